"""What the page says beside a figure: what exactly is compared, and what is not in it."""

RECEIPT = (
    "Broker, collector with its core, and box are the installed commands. The press goes through the agent's door; the "
    "receipt is stamped by a second subscriber to the box's topic, after it has checked the seal as the box does. All "
    "labels are drawn and printed meanwhile, as always."
)
MEMORY = (
    (
        "Whole process trees. RSS counts shared pages in full, PSS by their share. Both have handled one record and "
        "are connected to their cloud."
    ),
    (
        "Idle is the box with no terminal page open and no label drawn for two minutes: then the agent ends its "
        "drawing process. The bench does not wait that long; it kills this process just as the agent does. What the "
        "box takes until then, and with a page open, is shown beside it."
    ),
)
START = (
    (
        "From the exec of the program, with an empty storage and the key already made. TB: a record goes in as soon "
        "as its connector accepts, until it is committed. hazgate: a scale shows an empty platform and then a stable "
        "weight as soon as the box connects, and the weight is booked as soon as the box offers it, until the answer "
        '"saved".'
    ),
    "The peer commits with synchronous=NORMAL, which a power cut can undo; hazgate's record has reached the disk.",
)
LABEL = (
    (
        'Each time runs from the moment the second equal, stable frame leaves the scale. "Weight offered" is when the '
        "box would let it be booked; the bench presses at that moment. A person sees it up to 100 ms later, as the "
        "page is renewed ten times a second."
    ),
    "p50 and p95 of each round; the spread is over the rounds. The first label also starts the drawing process.",
)
