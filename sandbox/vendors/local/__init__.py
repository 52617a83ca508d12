"""A model server on hardware of one's own, under `/local`."""

from sandbox.vendor import Vendor
from sandbox.vendors.local.account import LocalAccount
from sandbox.vendors.local.errors import LocalError, answer_local_error
from sandbox.vendors.local.routes import router

VENDOR = Vendor(router=router, account=LocalAccount, error=LocalError, answer_error=answer_local_error)
