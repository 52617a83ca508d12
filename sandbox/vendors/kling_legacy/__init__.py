"""Kling's legacy dialect, under `/kling_legacy`."""

from sandbox.vendor import Vendor
from sandbox.vendors.kling.errors import KlingError, answer_kling_error
from sandbox.vendors.kling_legacy.account import KlingLegacyAccount
from sandbox.vendors.kling_legacy.routes import router

VENDOR = Vendor(router=router, account=KlingLegacyAccount, error=KlingError, answer_error=answer_kling_error)
