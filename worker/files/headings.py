"""What people call the columns of a list: words for our fields in many languages, with ranks."""

from __future__ import annotations

import re
import unicodedata

# A heading in the spelling of plain(): lower case, without accents, blanks and signs.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "name": (
        "name", "fullname", "namefull", "contactname", "leadname", "customername", "clientname",
        "client", "customer", "displayname", "savedname", "publicname", "pushname", "fileas", "fn",
        "nama", "namapenuh", "namalengkap", "namapelanggan", "nombrecompleto", "nombreyapellido",
        "nomecompleto", "nomcomplet", "nometprenom", "naam", "volledigenaam", "isim", "adsoyad",
        "имя", "фио", "姓名", "名字", "名前", "氏名", "이름", "الاسم", "اسم", "الاسمالكامل",
        "ชื่อ", "hoten", "hovaten", "ten", "नाम", "பெயர்",
    ),
    "first_name": (
        "firstname", "givenname", "forename", "fname", "first", "namadepan", "namapertama",
        "nombre", "nombres", "primernombre", "nome", "primeironome", "prenom", "vorname",
        "voornaam", "imie", "fornamn", "etunimi", "ad", "名",
    ),
    "last_name": (
        "lastname", "familyname", "surname", "lname", "last", "namabelakang", "namakeluarga",
        "apellido", "apellidos", "sobrenome", "apelido", "cognome", "nom", "nomdefamille",
        "nachname", "familienname", "achternaam", "nazwisko", "efternamn", "sukunimi", "soyad",
        "фамилия", "姓",
    ),
    "country": (
        "phonecountrycode", "phonecountry", "countrycode", "callingcode", "dialcode",
        "dialingcode", "isdcode", "country", "countryregion", "countryname", "countryiso",
        "negara", "kodnegara", "kodenegara", "pais", "codigopais", "codigodepais", "pays",
        "codepays", "indicatif", "land", "landcode", "laendercode", "landesvorwahl", "paese",
        "nazione", "ulke", "страна", "国家", "國家", "国", "국가", "الدولة", "البلد", "ประเทศ",
        "quocgia",
    ),
    "niche": ("niche", "niches", "interest", "interests", "segment", "segments", "industry"),
    "target_status": ("targetstatus", "status", "leadstatus"),
    "trigger": ("trigger", "triggers", "sequencetrigger", "tag", "tags"),
    "device": ("device", "devicename", "sender", "senderdevice"),
    "time_zone": ("timezone", "tz", "zonawaktu", "zonahoraria", "fusohorario", "zeitzone"),
    "language": (
        "language", "lang", "locale", "preferredlanguage", "bahasa", "idioma", "lingua",
        "langue", "sprache", "taal", "dil", "язык", "语言", "語言", "言語", "언어", "اللغة",
    ),
    "external_id": (
        "externalid", "crmid", "leadid", "customerid", "contactid", "recordid",
    ),
}  # fmt: skip
FIELDS = ("phone", *SYNONYMS)
# Other names for fields on the command line.
ALIASES = {"status": "target_status", "timezone": "time_zone", "tags": "trigger"}

# Systems put these before a heading: billing_first_name.
_OWNERS = ("billing", "shipping", "customer", "contact", "lead", "client", "defaultaddress", "your")

# How sure a word is that its column holds phones: WhatsApp before mobile before phone.
_WHATSAPP = ("whatsapp", "whatsap", "واتساب", "ватсап", "ワッツアップ")
_WHATSAPP_WORDS = ("wa", "wapp", "wsp", "jid", "waid", "nowa")
_MOBILE = (
    "mobile", "mobil", "movil", "cellular", "celular", "cellphone", "handphone", "handynummer",
    "bimbit", "selular", "smartphone", "手机", "手機", "携帯", "휴대", "جوال", "موبايل", "محمول",
    "मोबाइल", "มือถือ", "мобил", "didong", "portable",
)  # fmt: skip
_MOBILE_WORDS = ("cell", "cel", "hp", "nohp", "gsm", "handy", "mob", "kannykka")
_PHONE = (
    "phone", "telef", "telep", "telphone", "fonnummer", "rufnummer", "msisdn", "tlfn", "puhelin",
    "电话", "電話", "전화", "هاتف", "تليفون", "फोन", "โทร", "телефон", "dienthoai", "தொலைபேசி",
)  # fmt: skip
_PHONE_WORDS = ("tel", "telp", "notel", "telno", "tlf", "fon", "fono", "ph", "sdt", "tfn")
# Whole headings that may be a phone, a member number or a person.
_WEAK = ("contact", "contacts", "number", "no", "nomor", "nombor", "numero", "contactno",
         "contactnumber", "kontak", "contacto", "contato", "nokontak", "hubungi")  # fmt: skip
# A column about a phone is no phone.
_ABOUT = {
    "label", "type", "types", "ext", "extension", "country", "code", "carrier", "verified",
    "consent", "optin", "optout", "status", "valid", "id", "date", "provider", "network", "owner",
    "fax", "notes", "note", "model", "brand", "calls", "count", "has", "pager", "time",
}  # fmt: skip
_FIXED = {"home", "work", "business", "office", "company", "landline", "rumah", "pejabat", "kantor",
          "casa", "trabajo", "trabalho", "oficina", "bureau", "travail", "privat", "arbeit",
          "festnetz", "fijo", "fixo", "fixe", "assistant", "main"}  # fmt: skip
_SECOND = {"additional", "other", "secondary", "second", "alternate", "alternative", "alt",
           "shipping", "address", "2", "3", "4", "5", "lain", "otro", "outro", "autre"}  # fmt: skip


# Letters that no decomposition takes apart.
_LETTERS = str.maketrans({"đ": "d", "ł": "l", "ø": "o", "ı": "i", "ß": "ss", "æ": "ae"})


def plain(title: str) -> str:
    """A heading as SYNONYMS spell it."""
    parts = unicodedata.normalize("NFKD", title.lower().translate(_LETTERS))
    return "".join(c for c in parts if c.isalnum() or unicodedata.category(c) == "Mc")


_FIELD_OF = {plain(word): field for field, words in SYNONYMS.items() for word in words}


def field_of(title: str) -> str | None:
    """The field of a lead that a heading names; phones are ranked by phone_rank()."""
    word = plain(title)
    if word in _FIELD_OF:
        return _FIELD_OF[word]
    for owner in _OWNERS:
        rest = word.removeprefix(owner)
        if rest != word and _FIELD_OF.get(rest) in ("first_name", "last_name", "country", "name"):
            return _FIELD_OF[rest]
    return None


def phone_rank(title: str) -> float:
    """How likely a heading names phones: 4 WhatsApp, 3 mobile, 2 phone, 1 may be, 0 no."""
    words = {plain(word) for word in re.split(r"[\W_]+", _split_case(title)) if word}
    whole = plain(title)
    if words & _ABOUT or not whole or "phonetic" in whole or field_of(title) == "country":
        return 0
    if any(plain(word) in whole for word in _WHATSAPP) or (words | {whole}) & set(_WHATSAPP_WORDS):
        rank = 4.0
    elif any(plain(word) in whole for word in _MOBILE) or (words | {whole}) & set(_MOBILE_WORDS):
        rank = 3.0
    elif any(plain(word) in whole for word in _PHONE) or (words | {whole}) & set(_PHONE_WORDS):
        rank = 2.0
    else:
        return 1.0 if whole in _WEAK else 0.0
    if len(words) > 8:  # a sentence, as forms ask it
        return min(rank, 1.5)
    return rank - 0.4 * bool(words & _FIXED) - 0.3 * bool(words & _SECOND)


def is_known(title: str) -> bool:
    """Whether a cell looks like a heading that we know."""
    return field_of(title) is not None or phone_rank(title) > 0


def attribute_of(title: str, number: int) -> str:
    """The name of the attribute that keeps a column."""
    return re.sub(r"\W+", "_", title.lower()).strip("_") or f"column_{number}"


def _split_case(title: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", title)


# Languages as people write them.
LANGUAGES = {
    "english": "en", "inggris": "en", "ingles": "en", "malay": "ms", "bahasamelayu": "ms",
    "bahasamalaysia": "ms", "melayu": "ms", "bm": "ms", "indonesian": "id",
    "bahasaindonesia": "id", "chinese": "zh", "mandarin": "zh", "中文": "zh", "华语": "zh",
    "tamil": "ta", "தமிழ்": "ta", "hindi": "hi", "हिन्दी": "hi", "arabic": "ar", "العربية": "ar",
    "spanish": "es", "espanol": "es", "castellano": "es", "portuguese": "pt", "portugues": "pt",
    "french": "fr", "francais": "fr", "german": "de", "deutsch": "de", "italian": "it",
    "italiano": "it", "dutch": "nl", "nederlands": "nl", "thai": "th", "ไทย": "th",
    "vietnamese": "vi", "tiengviet": "vi", "japanese": "ja", "日本語": "ja", "korean": "ko",
    "한국어": "ko", "russian": "ru", "русскии": "ru", "turkish": "tr", "turkce": "tr",
    "filipino": "fil", "tagalog": "tl", "urdu": "ur", "bengali": "bn", "swahili": "sw",
}  # fmt: skip


_CODE_OF = {plain(name): code for name, code in LANGUAGES.items()}


def language_of(text: str) -> str:
    """The code of a language's name; other texts as they are."""
    return _CODE_OF.get(plain(text), text)
