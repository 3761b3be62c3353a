"""Files of people: leads as CSV, sequences and campaigns as YAML."""
