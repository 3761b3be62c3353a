"""pgdrip: WhatsApp drip sequences and broadcast campaigns that live in Postgres."""

__version__ = "0.2.0"
