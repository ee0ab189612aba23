"""What the document cannot say: an `Idempotency-Key` is for one request."""

import uuid

import schemathesis


@schemathesis.hook
def before_call(context, case, kwargs):
    # Nothing is touched of a request that is to be refused: it would no longer be what it is.
    is_negative = case.meta is not None and case.meta.generation.mode.is_negative
    key = (case.headers or {}).get("Idempotency-Key")
    if not is_negative and isinstance(key, str):
        case.headers["Idempotency-Key"] = f"{key[:150]}-{uuid.uuid4().hex}"
