"""The contract hz/1 between box and collector: one question (push), two answers (have, need).

Within a version only additions; receivers ignore what they do not know; anything else is a new version.
tests/contract/uplink/v1 holds the exact bytes of each message. Deliberately not here: MQTT, retries, storage.
"""

from hazgate_protocols.uplink.messages import (
    Have,
    MalformedError,
    Need,
    Note,
    Push,
    decode_answer,
    decode_push,
    encode_have,
    encode_need,
    encode_push,
)

__all__ = [
    "Have",
    "MalformedError",
    "Need",
    "Note",
    "Push",
    "decode_answer",
    "decode_push",
    "encode_have",
    "encode_need",
    "encode_push",
]
