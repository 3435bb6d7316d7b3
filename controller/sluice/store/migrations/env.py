"""Run by Alembic, on the connection that `store.migration` gives it."""

from alembic import context

from sluice.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite cannot alter a table in place; Alembic then makes a new one and moves the rows.
    render_as_batch=True,
    compare_server_default=True,
)
with context.begin_transaction():
    context.run_migrations()
