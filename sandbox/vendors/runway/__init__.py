"""Runway, under `/runway`."""

from sandbox.vendor import Vendor
from sandbox.vendors.runway.account import RunwayAccount
from sandbox.vendors.runway.errors import RunwayError, answer_runway_error
from sandbox.vendors.runway.routes import router

VENDOR = Vendor(router=router, account=RunwayAccount, error=RunwayError, answer_error=answer_runway_error)
