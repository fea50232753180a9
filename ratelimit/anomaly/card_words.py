"""What a card says of a family of models whatever they were trained on: what it is, what it is not for, and where it ends."""

from typing import Final, NamedTuple

from ratelimit.anomaly.signal_table import Family


class CardWords(NamedTuple):
    """`own` is of what a site has to have some for calibration."""

    title: str
    uses: str
    limits: str
    own: str


_REQUESTS: Final = CardWords(
    title="Model of unusual requests",
    uses="""\
## What it is

One isolation forest for each kind of subject (API key, address, account) over the signals of its profile. It says how unusual a subject's
behaviour is among its peers; whoever goes beyond all that was usual is more unusual with every doubling. Unusual is not malicious: the
busiest honest customer is unusual too.

## What it must not be used for

* As the only reason to block anybody. It is made to slow down and to put in order whom a person looks at.
* To judge people: signals are of keys, addresses and accounts, and many people may share one.
* On signals of another version, or of a site that is very unlike the one that it was calibrated on.
""",
    limits="""\
## Limits

* The forest sees a subject as it is now. Abuse that is spread so thin that each subject of it behaves as others do is not unusual.
* What was usual in the days that it was trained on is usual for it, abuse that nobody noticed then included.
* A profile begins with a subject's tenth request; before that there is no risk.
""",
    own="subject-days of your own",
)
_PURCHASES: Final = CardWords(
    title="Model of unusual purchases",
    uses="""\
## What it is

An isolation forest over the signals of a purchase: what its account, card, address, device and mailbox did before it, and what it is
itself. It says how unusual a purchase is among those of its kind (purchases, setups, grants); with every doubling beyond all that was usual
it is more so. Where fraud was confirmed a boosted forest says how likely fraud is, `p_fraud`, set right on later days.

## What it must not be used for

* To refuse anybody. It is made to hold part of the tokens for a while, and to put in order whom a person looks at.
* To judge people: an address, a device or a network may be many people's.
* On signals of another version, or of a site that is very unlike the one that it was calibrated on.
""",
    limits="""\
## Limits

* The forest sees one purchase. Card testing that has a fresh account, card and address each time is not unusual in any of them: rules
  look at how the whole site's purchases go.
* What was usual in the days that it was trained on is usual for it, fraud that nobody noticed then included.
* `p_fraud` is about fraud of the kinds that were confirmed, as often as it was then.
""",
    own="account-days (an account's purchases of a day) of your own",
)
WORDS: Final[dict[Family, CardWords]] = {"requests": _REQUESTS, "purchases": _PURCHASES}
