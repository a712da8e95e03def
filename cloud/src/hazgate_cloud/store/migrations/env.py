"""Alembic's entry: runs the steps on the transaction that migrate.py opened."""

from alembic import context

from hazgate_cloud.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
