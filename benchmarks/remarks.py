"""What the page says beside a figure: what exactly is compared, and what is not in it."""

COMMIT_LATER = (
    "Two things follow with the next write of another kind, or when the writer comes to rest: the seal over the "
    "chain's head, and the weighing's line in the list. In a run without rest every 200th commit carries the lines, "
    "so they are in this figure; the seal is not."
)
RECEIPT = (
    "Broker, collector with its core, and box are the installed commands. The press goes through the agent's door; "
    "the receipt is stamped by a second subscriber to the box's topic, after it has checked the seal as the box "
    "does. All labels are drawn and printed meanwhile, as always. The collector's store here is SQLite, and so are the "
    "parts; Q's is PostgreSQL."
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
        'Each time runs from the moment the second equal, stable frame leaves the scale. "Weight offered" is when '
        "the box would let it be booked; the bench presses at that moment. A person sees it up to 100 ms later, as "
        "the page is renewed ten times a second."
    ),
    "p50 and p95 of each round; the spread is over the rounds. The first label also starts the drawing process.",
)
LABEL_BYTES = (
    (
        "Through the box's own drawing process: request, layout, drawing, QR code, digest and the printer's language. "
        "Long texts and four pictograms; each label is another one. The bound is a promise in milliseconds, no peer."
    ),
)
BURST = (
    (
        "Each weighing awaits its own answer on the event loop; the writer commits what has gathered. S does nothing "
        "but format its rows and commit them: no validation, no chain, no number, nobody who waits."
    ),
)
BURST_PEER = (
    (
        "TB answers a record before it is on the disk and commits with synchronous=NORMAL; here it is timed until "
        "the last record of the burst is committed. Its cloud is away meanwhile, so that it has nothing else to do."
    ),
)
DRAIN = (
    (
        "Box, broker and collector are the installed commands; the link is a relay of the bench that comes back. A "
        "record is drained when the receipt for it has reached the box's side: its chain and seal are checked, it is "
        "committed, its bag and its submission to the core stand beside it, and the core is being told meanwhile. Q "
        "stores each record as one row of one table with two indexes, and has eight pages in flight where hz/1 has "
        "one push. Both collectors' stores are PostgreSQL, on one server."
    ),
    "Somebody weighs bag after bag all the time; p99 of some dozen presses is nearly the worst of them.",
)
FIRST = (
    (
        "While the link is away, connections to the broker's address are refused. A link that swallows packets in "
        "silence is found again only when the operating system repeats its own attempt, within some seconds."
    ),
)
GROWTH = ("Whole process tree, in the longest of the drains.",)
PACE = (
    (
        "Journal, dialogue and uplink are the box's own, in a process of the bench, since no scale weighs so fast; "
        "broker, collector and core are the installed commands. Both collectors' stores are PostgreSQL, on one server; "
        "the core is being told meanwhile, which Q does not do."
    ),
)
UPLINK = (
    (
        "Weighings with their raw frames, minutes apart, each weight another, as the box packs them: header, "
        "signature and compression included. A record is about 1,100 bytes before. MQTT, TCP and TLS come on top, "
        "once a push."
    ),
)
