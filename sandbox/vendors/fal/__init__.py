"""fal's queue, under `/fal`."""

from sandbox.vendor import Vendor
from sandbox.vendors.fal.account import FalAccount
from sandbox.vendors.fal.errors import FalError, answer_fal_error
from sandbox.vendors.fal.routes import router

VENDOR = Vendor(router=router, account=FalAccount, error=FalError, answer_error=answer_fal_error)
