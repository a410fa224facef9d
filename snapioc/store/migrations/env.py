"""Run by Alembic: migrates over the connection, and within the transaction, that `store.schema` hands it."""

from alembic import context

from snapioc.store.tables import schema

context.configure(connection=context.config.attributes["connection"], target_metadata=schema, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
