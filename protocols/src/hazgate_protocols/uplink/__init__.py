"""The contract hz/1 between box and collector: one question (push), two answers (have, need);
and a box asks for records it has lost (fetch, give).

Within a version only additions; receivers ignore what they do not know; anything else is a new version.
tests/contract/uplink/v1 holds the exact bytes of each message. Deliberately not here: MQTT, retries, storage.
"""

from hazgate_protocols.uplink.messages import (
    Branch,
    Fetch,
    Have,
    MalformedError,
    Need,
    Note,
    Push,
    decode_answer,
    decode_fetch,
    decode_push,
    encode_fetch,
    encode_have,
    encode_need,
    encode_push,
)

__all__ = [
    "Branch",
    "Fetch",
    "Have",
    "MalformedError",
    "Need",
    "Note",
    "Push",
    "decode_answer",
    "decode_fetch",
    "decode_push",
    "encode_fetch",
    "encode_have",
    "encode_need",
    "encode_push",
]
