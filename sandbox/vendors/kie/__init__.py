"""Kie, under `/kie`: Market, Veo and Runway with one account."""

from sandbox.vendor import Vendor
from sandbox.vendors.kie.account import KieAccount
from sandbox.vendors.kie.errors import KieError, answer_kie_error
from sandbox.vendors.kie.routes import router

VENDOR = Vendor(router=router, account=KieAccount, error=KieError, answer_error=answer_kie_error)
