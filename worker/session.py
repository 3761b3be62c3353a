"""A session as our statements expect it, whatever a role or a database sets by default."""

from __future__ import annotations

# One statement without parameters. Literals mean what they say; psycopg reads times and intervals
# in these forms alone; a claim locks in one statement and judges on the snapshot of the next.
PLAIN_SESSION = """
select
  set_config('standard_conforming_strings', 'on', false),
  set_config('array_nulls', 'on', false),
  set_config('transform_null_equals', 'off', false),
  set_config('quote_all_identifiers', 'off', false),
  set_config('datestyle', 'ISO', false),
  set_config('intervalstyle', 'postgres', false),
  set_config('extra_float_digits', '1', false),
  set_config('default_transaction_isolation', 'read committed', false)
"""
