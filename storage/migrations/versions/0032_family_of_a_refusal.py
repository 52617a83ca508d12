"""`admission_refused` tells the family that a refusal concerns.

The previous release works on this schema: it reads the other columns of the result by name.
"""

from importlib import import_module

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_OF_0028 = "storage.migrations.versions.0028_rest_of_admission"
_RELEASED: str = vars(import_module(_OF_0028))["_REFUSED"]

_REFUSED = _RELEASED.replace("factor float8) LANGUAGE", "factor float8, of_family text) LANGUAGE").replace(
    "factor := account.rate_factor;",
    "factor := account.rate_factor;\n        of_family := CASE WHEN is_of_family THEN of_pool END;",
)

# Another form of the result needs another function.
_DROP = "DROP FUNCTION admission_refused(text, uuid, text, float8, float8)"


def upgrade() -> None:
    op.execute(_DROP)
    op.execute(_REFUSED)


def downgrade() -> None:
    op.execute(_DROP)
    op.execute(_RELEASED)
