"""The ledger: tables, migrations, and every SQL statement of the product."""
