"""Facts the functions read: phone numbering per region, greetings, stop words, error codes.

The numbering facts are those of libphonenumber's metadata (fixed-line and mobile lengths of the
national number). The error codes are those that GOWA and Meta's Cloud API document.

Revision ID: 0003
Revises: 0002
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# region, calling code, trunk prefix, dial-out prefix, lengths of national and of mobile numbers
REGIONS = """
AC 247 - 00 5 5
AD 376 - 00 6,9 6,9
AE 971 0 00 8,9 9
AF 93 0 00 9 9
AG 1 1 011 10 10
AI 1 1 011 10 10
AL 355 0 00 8,9 9
AM 374 0 00 8 8
AO 244 - 00 9 9
AR 54 0 00 10,11 10,11
AS 1 1 011 10 10
AT 43 0 00 4,5,6,7,8,9,10,11,12,13 7,8,9,10,11,12,13
AU 61 0 0011 9 9
AW 297 - 00 7 7
AX 358 0 00 6,7,8,9,10 6,7,8,9,10
AZ 994 0 00 9 9
BA 387 0 00 8,9 8,9
BB 1 1 011 10 10
BD 880 0 00 6,7,8,9,10 10
BE 32 0 00 8,9 9
BF 226 - 00 8 8
BG 359 0 00 6,7,8,9 8,9
BH 973 - 00 8 8
BI 257 - 00 8 8
BJ 229 - 00 10 10
BL 590 0 00 9 9
BM 1 1 011 10 10
BN 673 - 00 7 7
BO 591 0 00 8 8
BQ 599 - 00 7 7
BR 55 0 00 10,11 10,11
BS 1 1 011 10 10
BT 975 - 00 7,8 8
BW 267 - 00 7,8 8
BY 375 80 - 9 9
BZ 501 - 00 7 7
CA 1 1 011 10 10
CC 61 0 0011 9 9
CD 243 0 00 7,8,9,10 7,9
CF 236 - 00 8 8
CG 242 - 00 9 9
CH 41 0 00 9 9
CI 225 - 00 10 10
CK 682 - 00 5 5
CL 56 - - 9 9
CM 237 - 00 9 9
CN 86 0 00 7,8,9,10,11 11
CO 57 0 00 8,10 10
CR 506 - 00 8 8
CU 53 0 119 6,7,8,10 8
CV 238 - 0 7 7
CW 599 - 00 7,8 7,8
CX 61 0 0011 9 9
CY 357 - 00 8 8
CZ 420 - 00 9 9
DE 49 0 00 5,6,7,8,9,10,11,12,13,14,15 10,11
DJ 253 - 00 8 8
DK 45 - 00 8 8
DM 1 1 011 10 10
DO 1 1 011 10 10
DZ 213 0 00 8,9 9
EC 593 0 00 8,9 9
EE 372 - 00 7,8 7,8
EG 20 0 00 8,9,10 10
EH 212 0 00 9 9
ER 291 0 00 7 7
ES 34 - 00 9 9
ET 251 0 00 9 9
FI 358 0 00 5,6,7,8,9,10 6,7,8,9,10
FJ 679 - 00 7 7
FK 500 - 00 5 5
FM 691 - 00 7 7
FO 298 - 00 6 6
FR 33 0 00 9 9
GA 241 - 00 7,8 7,8
GB 44 0 00 9,10 10
GD 1 1 011 10 10
GE 995 0 00 9 9
GF 594 0 00 9 9
GG 44 0 00 10 10
GH 233 0 00 9 9
GI 350 - 00 8 8
GL 299 - 00 6 6
GM 220 - 00 7,9 7,9
GN 224 - 00 8,9 9
GP 590 0 00 9 9
GQ 240 - 00 9 9
GR 30 - 00 10 10
GT 502 - 00 8 8
GU 1 1 011 10 10
GW 245 - 00 9 9
GY 592 - 001 7 7
HK 852 - 00 8 8
HN 504 - 00 8 8
HR 385 0 00 8,9 8,9
HT 509 - 00 8 8
HU 36 06 00 8,9 9
ID 62 0 00 7,8,9,10,11,12 9,10,11,12
IE 353 0 00 7,8,9,10 9
IL 972 0 - 8,9,11,12 9
IM 44 0 00 10 10
IN 91 0 00 10 10
IO 246 - 00 7 7
IQ 964 0 00 8,9,10 10
IR 98 0 00 6,7,10 10
IS 354 - 00 7,9 7,9
IT 39 - 00 6,7,8,9,10,11,12 9,10
JE 44 0 00 10 10
JM 1 1 011 10 10
JO 962 0 00 8,9 9
JP 81 0 010 9,10 10
KE 254 0 000 7,8,9 9
KG 996 0 00 9 9
KH 855 0 00 8,9 8,9
KI 686 0 00 5,8 8
KM 269 - 00 7 7
KN 1 1 011 10 10
KP 850 0 00 8,10 10
KR 82 0 00 5,6,8,9,10 9,10
KW 965 - 00 8 8
KY 1 1 011 10 10
KZ 7 8 - 10 10
LA 856 0 00 8,9,10 9,10
LB 961 0 00 7,8 7,8
LC 1 1 011 10 10
LI 423 0 00 7,9 7,9
LK 94 0 00 9 9
LR 231 0 00 7,8,9 7,9
LS 266 - 00 8 8
LT 370 0 00 8 8
LU 352 - 00 4,5,6,7,8,9,10,11 9
LV 371 - 00 8 8
LY 218 0 00 9 9
MA 212 0 00 9 9
MC 377 0 00 8,9 8,9
MD 373 0 00 8 8
ME 382 0 00 8 8
MF 590 0 00 9 9
MG 261 0 00 9 9
MH 692 1 011 7 7
MK 389 0 00 8 8
ML 223 - 00 8 8
MM 95 0 00 6,7,8,9,10 7,8,9,10
MN 976 0 001 8,9,10 8
MO 853 - 00 8 8
MP 1 1 011 10 10
MQ 596 0 00 9 9
MR 222 - 00 8 8
MS 1 1 011 10 10
MT 356 - 00 8 8
MU 230 - 020 7,8 8
MV 960 - 00 7 7
MW 265 0 00 7,9 9
MX 52 - 00 10 10
MY 60 0 00 8,9,10 9,10
MZ 258 - 00 8,9 9
NA 264 0 00 8,9 9
NC 687 - 00 6 6
NE 227 - 00 8 8
NF 672 - 00 6 6
NG 234 0 009 10 10
NI 505 - 00 8 8
NL 31 0 00 9,11 9,11
NO 47 - 00 8 8
NP 977 0 00 8,10 10
NR 674 - 00 7 7
NU 683 - 00 4,7 4,7
NZ 64 0 00 8,9,10 8,9,10
OM 968 - 00 8 8
PA 507 - 00 7,8 7,8
PE 51 0 00 8,9 9
PF 689 - 00 8 8
PG 675 - 00 7,8 8
PH 63 0 00 6,8,9,10 10
PK 92 0 00 9,10 10
PL 48 - 00 7,9 9
PM 508 0 00 6,9 6,9
PR 1 1 011 10 10
PS 970 0 00 8,9 9
PT 351 - 00 9 9
PW 680 - - 7 7
PY 595 0 00 7,8,9 9
QA 974 - 00 8 8
RE 262 0 00 9 9
RO 40 0 00 6,9 9
RS 381 0 00 7,8,9,10,11,12 8,9,10
RU 7 8 - 10 10
RW 250 0 00 8,9 9
SA 966 0 00 9 9
SB 677 - - 5,7 5,7
SC 248 - 00 7 7
SD 249 0 00 9 9
SE 46 0 00 7,8,9 9
SG 65 - - 8 8
SH 290 - 00 4,5 5
SI 386 0 00 8 8
SJ 47 - 00 8 8
SK 421 0 00 6,7,9 9
SL 232 0 00 8 8
SM 378 - 00 8,10 8
SN 221 - 00 9 9
SO 252 0 00 6,7,8,9 7,8,9
SR 597 - 00 6,7 7
SS 211 0 00 9 9
ST 239 - 00 7 7
SV 503 - 00 8 8
SX 1 1 011 10 10
SY 963 0 00 8,9 9
SZ 268 - 00 8 8
TA 290 - 00 4 4
TC 1 1 011 10 10
TD 235 - 00 8 8
TG 228 - 00 8 8
TH 66 0 00 8,9 9
TJ 992 - - 9 9
TK 690 - 00 4,5,6,7 4,5,6,7
TL 670 - 00 7,8 8
TM 993 8 - 8 8
TN 216 - 00 8 8
TO 676 - 00 5,7 7
TR 90 0 00 10 10
TT 1 1 011 10 10
TV 688 - 00 5,6,7 6,7
TW 886 0 - 8,9 9
TZ 255 0 00 9 9
UA 380 0 - 9 9
UG 256 0 00 9 9
US 1 1 011 10 10
UY 598 0 00 8 8
UZ 998 - 00 9 9
VA 39 - 00 6,7,8,9,10,11 9,10
VC 1 1 011 10 10
VE 58 0 00 10 10
VG 1 1 011 10 10
VI 1 1 011 10 10
VN 84 0 00 9,10 9
VU 678 - 00 5,7 7
WF 681 - 00 6 6
WS 685 - 0 5,6,7,10 7,10
XK 383 0 00 8,9,10,11,12 8
YE 967 0 00 7,8,9 9
YT 262 0 00 9 9
ZA 27 0 00 5,6,7,8,9 5,6,7,8,9
ZM 260 0 00 9 9
ZW 263 0 00 9 9
"""

# language, from hour, to hour (exclusive), text
GREETINGS = (
    ("en", 0, 12, "Good morning"),
    ("en", 12, 18, "Good afternoon"),
    ("en", 18, 24, "Good evening"),
    ("ms", 0, 12, "Selamat pagi"),
    ("ms", 12, 14, "Selamat tengah hari"),
    ("ms", 14, 19, "Selamat petang"),
    ("ms", 19, 24, "Selamat malam"),
    ("id", 0, 11, "Selamat pagi"),
    ("id", 11, 15, "Selamat siang"),
    ("id", 15, 18, "Selamat sore"),
    ("id", 18, 24, "Selamat malam"),
)

STOP_WORDS = ("stop", "unsubscribe", "berhenti", "batal")

# platform, code, scope, action, wait, auto_resume, meaning
ERROR_CODES = (
    ("gowa", "INVALID_JID", "recipient", "fail", None, True, "the number is not on WhatsApp"),
    ("gowa", "VALIDATION_ERROR", "recipient", "fail", None, True, "the gateway refused the call"),
    ("gowa", "DEVICE_NOT_FOUND", "device", "stop", None, False, "the gateway has no such device"),
    ("gowa", "DEVICE_ID_REQUIRED", "device", "stop", None, False, "the device names no instance"),
    ("gowa", "AUTHENTICATION_ERROR", "device", "stop", None, False, "logged out or disconnected"),
    (
        "gowa",
        "WA_REACHOUT_TIMELOCK",
        "recipient",
        "retry",
        "24 hours",
        True,
        "WhatsApp allows no new chats from this number for a while",
    ),
    (
        "gowa",
        "UPLOAD_MEDIA_ERROR",
        "recipient",
        "retry",
        "1 minute",
        True,
        "the gateway could not upload the media",
    ),
    ("gowa", "INTERNAL_SERVER_ERROR", "recipient", "retry", "30 seconds", True, "gateway error"),
    (
        "gowa",
        "GATEWAY_TIMEOUT",
        "recipient",
        "unknown",
        None,
        True,
        "the gateway gave up waiting for WhatsApp",
    ),
    ("cloud_api", "130429", "device", "retry", "10 seconds", True, "number throughput exceeded"),
    ("cloud_api", "131056", "recipient", "retry", "4 seconds", True, "pair rate limit"),
    ("cloud_api", "4", "account", "retry", "5 minutes", True, "application rate limit"),
    ("cloud_api", "80007", "account", "retry", "5 minutes", True, "account rate limit"),
    ("cloud_api", "131048", "device", "stop", "6 hours", True, "spam rate limit on the number"),
    ("cloud_api", "368", "account", "stop", None, False, "account restricted"),
    ("cloud_api", "131031", "account", "stop", None, False, "account locked"),
    ("cloud_api", "131064", "device", "stop", None, False, "messaging limit cut"),
    ("cloud_api", "131042", "account", "stop", None, False, "payment problem"),
    ("cloud_api", "131045", "device", "stop", None, False, "bad certificate"),
    ("cloud_api", "133010", "device", "stop", None, False, "number not registered"),
    ("cloud_api", "33", "device", "stop", None, False, "number deleted"),
    ("cloud_api", "131037", "device", "stop", None, False, "display name not approved"),
    ("cloud_api", "190", "device", "stop", None, False, "access token expired"),
    ("cloud_api", "0", "device", "stop", None, False, "authentication failed"),
    ("cloud_api", "10", "device", "stop", None, False, "permission missing"),
    ("cloud_api", "131005", "device", "stop", None, False, "permission missing"),
    ("cloud_api", "3", "device", "stop", None, False, "permission missing"),
    ("cloud_api", "131049", "recipient", "retry", "24 hours", True, "marketing cap of the user"),
    ("cloud_api", "131050", "recipient", "opt_out", None, True, "the user stopped marketing"),
    ("cloud_api", "131026", "recipient", "fail", None, True, "undeliverable"),
    ("cloud_api", "130472", "recipient", "fail", None, True, "the user is in an experiment"),
    ("cloud_api", "131047", "recipient", "fail", None, True, "outside the 24 hour window"),
    ("cloud_api", "131021", "recipient", "fail", None, True, "sender and recipient are the same"),
    ("cloud_api", "131030", "recipient", "fail", None, True, "not in the test allow-list"),
    ("cloud_api", "130497", "recipient", "fail", None, True, "country restricted"),
    ("cloud_api", "131051", "recipient", "fail", None, True, "unsupported message type"),
    ("cloud_api", "100", "recipient", "fail", None, True, "invalid parameter"),
    ("cloud_api", "131008", "recipient", "fail", None, True, "parameter missing"),
    ("cloud_api", "131009", "recipient", "fail", None, True, "parameter value invalid"),
    ("cloud_api", "135000", "recipient", "fail", None, True, "message undeliverable as built"),
    ("cloud_api", "131052", "recipient", "retry", "1 minute", True, "media download failed"),
    ("cloud_api", "131053", "recipient", "retry", "1 minute", True, "media upload failed"),
    ("cloud_api", "132000", "recipient", "fail", None, True, "template parameters do not match"),
    ("cloud_api", "132001", "recipient", "fail", None, True, "template does not exist"),
    ("cloud_api", "132005", "recipient", "fail", None, True, "template text too long"),
    ("cloud_api", "132007", "recipient", "fail", None, True, "template content violates policy"),
    ("cloud_api", "132012", "recipient", "fail", None, True, "template parameter format wrong"),
    ("cloud_api", "132015", "recipient", "fail", None, True, "template paused"),
    ("cloud_api", "132016", "recipient", "fail", None, True, "template disabled"),
    ("cloud_api", "2", "recipient", "retry", "30 seconds", True, "temporary"),
    ("cloud_api", "133004", "recipient", "retry", "30 seconds", True, "temporary"),
    ("cloud_api", "131016", "recipient", "retry", "30 seconds", True, "temporary"),
    ("cloud_api", "131057", "device", "retry", "2 minutes", True, "account in maintenance"),
    ("cloud_api", "2494100", "device", "retry", "2 minutes", True, "account in maintenance"),
    ("cloud_api", "131000", "recipient", "unknown", None, True, "something went wrong"),
    ("cloud_api", "1", "recipient", "unknown", None, True, "something went wrong"),
)


def region_rows() -> list[tuple[str, str, str | None, str | None, list[int], list[int]]]:
    rows = []
    for line in REGIONS.split("\n"):
        if line:
            region, code, trunk, dial_out, lengths, mobile = line.split(" ")
            rows.append(
                (
                    region,
                    code,
                    None if trunk == "-" else trunk,
                    None if dial_out == "-" else dial_out,
                    [int(length) for length in lengths.split(",")],
                    [int(length) for length in mobile.split(",")],
                )
            )
    return rows


def upgrade() -> None:
    with op.get_bind().connection.driver_connection.cursor() as cursor:
        cursor.executemany(
            "insert into drip.regions"
            " (region, calling_code, trunk_prefix, dial_out, lengths, mobile_lengths)"
            " values (%s, %s, %s, %s, %s::smallint[], %s::smallint[])",
            region_rows(),
        )
        cursor.executemany(
            "insert into drip.greetings (language, from_hour, to_hour, text)"
            " values (%s, %s, %s, %s)",
            GREETINGS,
        )
        cursor.executemany(
            "insert into drip.stop_words (word) values (%s)", [(word,) for word in STOP_WORDS]
        )
        cursor.executemany(
            "insert into drip.error_codes"
            " (platform, code, scope, action, wait, auto_resume, meaning)"
            " values (%s, %s, %s, %s, %s::interval, %s, %s)",
            ERROR_CODES,
        )
        cursor.execute(
            "insert into drip.users (name, created_at) values ('default', pg_catalog.now())"
        )


def downgrade() -> None:
    raise RuntimeError("Going back is done by restoring a backup.")
