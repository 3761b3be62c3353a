"""Who speaks and what was said: ids without a phone, sessions, replies, windows, stop words.

Revision ID: 0020
Revises: 0019
"""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

IDENTITIES = r"""
alter table drip.user_devices add column jid text;
comment on column drip.user_devices.jid is
  'WhatsApp id of its phone, as its gateway calls it in webhooks; learned from them.';
alter table drip.receipts add column aliases text[];
comment on column drip.receipts.aliases is 'The provider''s ids of the contact.';
create index lead_aliases_lead_idx on drip.lead_aliases (lead_id);
-- What came from a contact who is not known yet, and the number that an id once had.
create index inbound_messages_alias_idx on drip.inbound_messages (user_id, sender_alias)
  where sender_alias is not null;
create index inbound_messages_unmatched_idx on drip.inbound_messages (user_id, id)
  where lead_id is null and opt_out_category is not null and sender not like '+%';
"""

REPLIES = r"""
alter table drip.inbound_messages add column is_reply boolean not null default true;
alter table drip.inbound_messages add column is_auto boolean not null default false;
alter table drip.inbound_messages add column media_id text;
alter table drip.inbound_messages add column media_type text;
update drip.inbound_messages set is_reply = false where kind in ('preference', 'number_change');
comment on column drip.inbound_messages.is_reply is
  'True when a person said it: it ends journeys and opens the service window.';
comment on column drip.inbound_messages.is_auto is
  'True for an automatic answer of the contact''s phone, see users.auto_reply_seconds.';
comment on column drip.inbound_messages.media_id is
  'The provider''s id or address of a picture, a video, a voice message or a document.';
comment on column drip.inbound_messages.media_type is 'Its MIME type.';

-- squawk-ignore prefer-bigint-over-int
alter table drip.users add column auto_reply_seconds integer default 10;
alter table drip.users add column auto_reply_repeats boolean not null default true;
-- squawk-ignore prefer-bigint-over-int
alter table drip.users add column auto_reply_length integer not null default 12;
-- squawk-ignore constraint-missing-not-valid
alter table drip.users add constraint users_auto_reply_positive
  check (auto_reply_seconds between 1 and 600 and auto_reply_length between 1 and 1000);
comment on column drip.users.auto_reply_seconds is
  '[setting] A text that comes so many seconds or less after a message of ours is taken for an
   automatic answer, which ends no journey; null = none is.';
comment on column drip.users.auto_reply_repeats is
  '[setting] A text that a contact sends word for word after two messages of ours is taken for an
   automatic answer.';
comment on column drip.users.auto_reply_length is
  '[setting] Characters from which a text may be an automatic answer: people answer in a word or
   two as fast.';

-- Meta's window belongs to a contact and a number. A row of its own: nobody waits for an
-- application that has locked the lead.
create table drip.service_windows (
  lead_id          bigint not null,
  device_id        bigint not null,
  user_id          bigint not null references drip.users (id),
  last_inbound_at  timestamptz not null,
  primary key (lead_id, device_id)
);
comment on table drip.service_windows is
  'When a contact last wrote to a device. Within 24 hours Meta allows free text.';
alter table drip.service_windows enable row level security;
create policy service_windows_of_caller on drip.service_windows using (
  user_id = any (array(select u.id from drip.users u)));
insert into drip.service_windows (lead_id, device_id, user_id, last_inbound_at)
select i.lead_id, i.device_id, i.user_id, max(i.sent_at)
from drip.inbound_messages i
where i.is_reply and i.lead_id is not null and i.device_id is not null and i.sent_at is not null
  and i.received_at > pg_catalog.now() - interval '2 days'
group by i.lead_id, i.device_id, i.user_id;
"""

WORDS = r"""
create table drip.courtesy_words (
  word  text primary key,
  constraint courtesy_words_word_form check (word = lower(btrim(word)) and word <> '')
);
comment on table drip.courtesy_words is
  'What people say around a stop word: "stop, thank you" stops as well.';
comment on column drip.courtesy_words.word is
  'Word or phrase in lower case, without punctuation.';
"""

# Words that are ordinary ones elsewhere count only for contacts or tenants of the language.
STOPS: dict[str | None, str] = {
    None: """
        stopall; stop all; stop sending; stop messaging; stop messages;
        stop messaging me; stop sending messages; stop texting me; unsubscribe me; unsub;
        unsubscribe all; opt me out; remove me; remove my number; quit; do not contact me;
        don t contact me; no more messages; leave me alone;
        hentikan; berhenti berlangganan; jangan kirim lagi; jangan hantar lagi; jangan hantar;
        tak nak lagi; unreg; henti mesej; buang nombor saya;
        darme de baja; dar de baja; darse de baja; quiero darme de baja; quiero la baja;
        cancelar suscripción; cancelar suscripcion; no más mensajes; no mas mensajes;
        no enviar más mensajes; no enviar mas mensajes; detener; parar; basta;
        sair; pare; descadastrar; cancelar inscrição; cancelar inscricao; sair da lista;
        não quero mais receber; nao quero mais receber; remover meu número;
        توقف; إيقاف; ايقاف; إلغاء; الغاء; إلغاء الاشتراك; الغاء الاشتراك; أوقف; اوقف; قف;
        أوقف الرسائل; اوقف الرسائل; لا ترسل;
        arrêt; arret; arrêter; arreter; arrêtez; arretez; désabonner; desabonner;
        se désabonner; me désabonner; désinscription; desinscription; désinscrire;
        रोकें; रोको; रुकें; बंद; बंद करें; बंद करो; स्टॉप; अनसब्सक्राइब; संदेश बंद करें; band karo;
        நிறுத்து; நிறுத்துங்கள்; நிறுத்தவும்; நிறுத்தம்; வேண்டாம்; ஸ்டாப்; niruthu;
        停; 停止; 退订; 退訂; 取消订阅; 取消訂閱; 请退订; 請退訂; 请停止; 請停止;
        停止发送; 停止發送;
        不要再发; 不要再發; 不要再发了; 别再发了; 别发了; 別發了; td;
        配信停止; 중지; 수신거부; 수신 거부; стоп; отписаться; отписка; отпишите меня;
        stopp; abmelden; abbestellen; abmeldung; disiscrivimi; disiscriviti; annulla iscrizione;
        durdur; dừng; hủy đăng ký; huỷ đăng ký; หยุด; ยกเลิกการรับข้อมูล; itigil
    """,
    "es": "baja; alto; cancelar; salir",
    "pt": "cancelar; remover; parada",
    "fr": "fin; stopper",
}
STOP_MARKETING = """
    stop promotions; stop promotion; stop marketing; stop ads; stop offers; no promotions;
    no marketing; no more promotions; no ads;
    henti promosi; hentikan promosi; berhenti promosi; henti promo; tiada promosi;
    detener promociones; parar promociones; no más promociones; no mas promociones;
    parar promoções; parar promocoes; interromper promoções; sem promoções;
    arrêter les promotions; arreter les promotions; stop pub; stop promos; plus de promotions;
    إيقاف العروض; ايقاف العروض; إيقاف العروض الترويجية; أوقف العروض;
    प्रमोशन बंद करें; प्रमोशन रोकें; ऑफ़र बंद करें; விளம்பரங்களை நிறுத்து; விளம்பரம் வேண்டாம்;
    停止推广; 停止推廣; 停止促销; 停止促銷; 停止营销; 拒收促销; werbung stoppen; keine werbung;
    stop promozioni; niente promozioni
"""
COURTESIES = """
    please; pls; plz; plss; kindly; thanks; thank you; thankyou; thank u; many thanks;
    thank you very much; thx; tq; tqvm; ty; ok; okay; sorry; hi; hello; dear; sir; madam; bro;
    boss; now; tolong; sila; mohon; terima kasih; makasih; trima kasih; ya; la; lah; maaf; yer;
    por favor; porfa; porfavor; gracias; muchas gracias; hola; ahora; obrigado; obrigada;
    muito obrigado; muito obrigada; por gentileza; olá; merci; merci beaucoup; svp; stp;
    s il vous plaît; s il vous plait; s il te plaît; s il te plait; bonjour;
    شكرا; شكراً; شكرا لك; من فضلك; لو سمحت; رجاء; رجاءً; مرحبا;
    धन्यवाद; कृपया; शुक्रिया; प्लीज; நன்றி; தயவுசெய்து; தயவு செய்து;
    谢谢; 謝謝; 请; 請; 麻烦; 麻煩; 谢谢你; danke; vielen dank; bitte; grazie; per favore;
    спасибо; пожалуйста; teşekkürler; lütfen; cảm ơn; xin; ขอบคุณ; salamat; 감사합니다
"""


def words(text: str) -> list[str]:
    """The words of a list that semicolons part."""
    return [" ".join(word.split()) for word in text.split(";")]


def upgrade() -> None:
    driver = op.get_bind().connection.driver_connection
    for part in (IDENTITIES, REPLIES, WORDS):
        driver.execute(part)
    rows = [(language, word, "all") for language, text in STOPS.items() for word in words(text)] + [
        (None, word, "marketing") for word in words(STOP_MARKETING)
    ]
    # what a release brings is nobody's edit: it is not audited
    driver.execute("alter table drip.stop_words disable trigger user")
    with driver.cursor() as cursor:
        # a tenant's or an operator's own row stays
        cursor.executemany(
            "insert into drip.stop_words (language, word, category) values (%s, %s, %s)"
            " on conflict (user_id, language, word) do nothing",
            rows,
        )
        cursor.executemany(
            "insert into drip.courtesy_words (word) values (%s) on conflict do nothing",
            [(word,) for word in words(COURTESIES)],
        )
    driver.execute("alter table drip.stop_words enable trigger user")


def downgrade() -> None:
    raise RuntimeError("Going back is done by restoring a backup.")
