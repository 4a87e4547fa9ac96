"""Public reference tables: ISO 4217 currencies, ISO 3166 countries, conversion rates, merchant categories.

Standard library only. Rates are dated so that a conversion can be explained later; a deployment with a feed of its own
sends `amount_base_minor` with each transaction, and no rate of this table is used.
"""

from __future__ import annotations

from typing import Final

BASE_CURRENCY: Final = "EUR"

# ISO 4217 codes whose minor unit is not a hundredth.
_EXPONENT_0: Final = frozenset("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split())
_EXPONENT_3: Final = frozenset("BHD IQD JOD KWD LYD OMR TND".split())

CURRENCIES: Final = frozenset(
    (
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF "
        "CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD "
        "HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD "
        "LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK "
        "PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS "
        "TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYI UYU UZS VED VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG"
    ).split()
)

COUNTRIES: Final = frozenset(
    (
        "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW "
        "BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI "
        "FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN "
        "IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME "
        "MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF "
        "PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV "
        "SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE "
        "YT ZA ZM ZW"
    ).split()
)

RATES_DATE: Final = "2024-06-28"
# Units of the currency for one euro: ECB euro foreign exchange reference rates of RATES_DATE.
RATES_PER_EUR: Final[dict[str, float]] = {
    "EUR": 1.0,
    "USD": 1.0705,
    "GBP": 0.84638,
    "CHF": 0.9634,
    "JPY": 171.94,
    "SEK": 11.3595,
    "NOK": 11.3965,
    "DKK": 7.4575,
    "PLN": 4.309,
    "CZK": 25.025,
    "HUF": 395.1,
    "RON": 4.9773,
    "BGN": 1.9558,
    "TRY": 35.1868,
    "AUD": 1.6079,
    "CAD": 1.467,
    "CNY": 7.7748,
    "HKD": 8.3594,
    "INR": 89.2495,
    "KRW": 1474.86,
    "MXN": 19.5654,
    "NZD": 1.7601,
    "SGD": 1.4513,
    "THB": 39.319,
    "ZAR": 19.4970,
    "BRL": 5.8915,
    "ILS": 4.0200,
    "ISK": 148.90,
    "IDR": 17487.21,
    "MYR": 5.0501,
    "PHP": 62.568,
}

# Merchant categories (ISO 18245) whose goods turn into money quickly: transfers, cash, quasi-cash, gambling,
# jewellery, electronics, gift cards, travel resale.
HIGH_RISK_MCCS: Final = frozenset({4829, 6010, 6011, 6012, 6051, 6211, 6540, 7995, 5944, 5732, 5815, 5816, 5094, 4722})


def minor_digits(currency: str) -> int:
    """Decimal digits of the currency's minor unit (ISO 4217)."""
    return 0 if currency in _EXPONENT_0 else 3 if currency in _EXPONENT_3 else 2


def to_base_minor(amount_minor: int, currency: str) -> int | None:
    """The amount in hundredths of a euro, half away from zero; None where no rate is known."""
    if currency == BASE_CURRENCY:
        return amount_minor
    rate = RATES_PER_EUR.get(currency)
    if rate is None:
        return None
    return int(amount_minor * 100 / (10 ** minor_digits(currency) * rate) + 0.5)
