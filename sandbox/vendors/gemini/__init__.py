"""The Gemini API's interactions, under `/gemini`."""

from sandbox.vendor import Vendor
from sandbox.vendors.gemini.account import GeminiAccount
from sandbox.vendors.gemini.errors import GeminiError, answer_gemini_error
from sandbox.vendors.gemini.routes import router

VENDOR = Vendor(router=router, account=GeminiAccount, error=GeminiError, answer_error=answer_gemini_error)
