"""The collector's store: SQLAlchemy Core tables, migrations, and queries by subject, each on an open transaction.

SQLite is the embedded default. Statements stay inside what PostgreSQL also understands; the few engine settings that
differ stand in engine.py. Deliberately not here: what a record means (domain) and when to write (collector, forwarder).
"""
