"""Creates DBOS' own tables."""

from dbos import SQLAlchemyDatasource, run_dbos_database_migrations

from bench.peers.setup import Setup

if __name__ == "__main__":
    url = Setup.of_environment().database_url
    run_dbos_database_migrations(url)
    SQLAlchemyDatasource.migrate(url)
