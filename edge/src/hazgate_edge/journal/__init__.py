"""The box's memory: a signed hash chain in SQLite with what hangs on it (numbers, print jobs, sync state).

One writer thread owns the database; a weighing is one transaction with synchronous=FULL. Deliberately not here:
what a weighing means (domain), how records travel (sync).
"""
