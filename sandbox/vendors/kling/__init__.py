"""Kling's new dialect, under `/kling`."""

from sandbox.vendor import Vendor
from sandbox.vendors.kling.account import KlingAccount
from sandbox.vendors.kling.errors import KlingError, answer_kling_error
from sandbox.vendors.kling.routes import router

VENDOR = Vendor(router=router, account=KlingAccount, error=KlingError, answer_error=answer_kling_error)
