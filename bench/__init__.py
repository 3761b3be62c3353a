"""Benchmarks: ratios to the yardstick L, taken in the same run on the same server."""
