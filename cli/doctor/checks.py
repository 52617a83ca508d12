"""All checks, in the order of the report."""

from collections.abc import Sequence

from pydantic import ValidationError
from pydantic_settings import SettingsError

from cli.doctor import database, disks, gateway, machine, objects, processes, redis, running, secrets, vendors
from cli.doctor.findings import Finding, error
from cli.doctor.running import Check
from schemas import variables
from schemas.settings import Settings


def examine(settings: Settings) -> list[Finding]:
    """Run every check that the settings allow."""
    return running.run(_checks(settings), settings)


def of_settings(trouble: ValidationError | SettingsError) -> list[Finding]:
    """The findings about settings that are refused. No other check can run."""
    if isinstance(trouble, ValidationError):
        lines = variables.in_words(trouble)
    else:
        lines = variables.not_json(variables.given()) or [str(trouble)]
    return [error("settings", line, "correct the variable, in the environment or in .env") for line in lines]


def _checks(settings: Settings) -> Sequence[Check]:
    missing = {
        "REELWORKS_DATABASE_URL": settings.database_url,
        "REELWORKS_REDIS_URL": settings.redis_url,
        "REELWORKS_S3__ENDPOINT": settings.s3.endpoint,
    }
    absent = [name for name, value in missing.items() if not value]
    by_service = [
        (Check("database", database.checks), settings.database_url),
        (Check("redis", redis.checks), settings.redis_url),
        (Check("object store", objects.checks, 20.0), settings.s3.endpoint),
        (Check("gateway", gateway.checks, 15.0), settings.public_url),
        (Check("workers and beat", processes.checks, 20.0), settings.redis_url),
    ]
    return [
        Check("version", machine.checks),
        *([Check("settings", lambda _: [_absent(absent)])] if absent else []),
        Check("secrets", secrets.checks),
        Check("disks", disks.checks),
        *(check for check, address in by_service if address),
        *vendors.checks_of(settings),
    ]


def _absent(names: Sequence[str]) -> Finding:
    says = f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} not set, and no `reelworks up` runs here"
    return error("settings", says, "set the variables in the environment or in .env, or run `reelworks up`")
