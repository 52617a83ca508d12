"""A LongCat-Video endpoint, under `/longcat`."""

from sandbox.vendor import Vendor
from sandbox.vendors.longcat.account import LongCatAccount
from sandbox.vendors.longcat.errors import LongCatError, answer_longcat_error
from sandbox.vendors.longcat.routes import router

VENDOR = Vendor(router=router, account=LongCatAccount, error=LongCatError, answer_error=answer_longcat_error)
