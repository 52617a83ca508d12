"""Replicate, under `/replicate`."""

from sandbox.vendor import Vendor
from sandbox.vendors.replicate.account import ReplicateAccount
from sandbox.vendors.replicate.errors import ReplicateError, answer_replicate_error
from sandbox.vendors.replicate.routes import router

VENDOR = Vendor(router=router, account=ReplicateAccount, error=ReplicateError, answer_error=answer_replicate_error)
