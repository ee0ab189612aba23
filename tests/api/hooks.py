"""What the document cannot say: an `Idempotency-Key` is for one request."""

import re
import uuid

import schemathesis


@schemathesis.hook
def before_call(context, case, kwargs):
    key = (case.headers or {}).get("Idempotency-Key")
    if isinstance(key, str) and re.fullmatch(r"[!-~]{1,160}", key):
        case.headers["Idempotency-Key"] = f"{key}-{uuid.uuid4().hex}"
