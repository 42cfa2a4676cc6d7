"""Dutch words that made-up administrations are written with."""

from __future__ import annotations


def _listed(words: str) -> tuple[str, ...]:
    """Return words that stand together here because one on each line would fill pages."""
    return tuple(words.split("|"))


FORMS = ("B.V.", "& Zn.", "V.O.F.", "Holding", "en Partners", "Beheer B.V.")
SURNAMES = _listed(
    "De Vries|Jansen|Van den Berg|Bakker|Van Dijk|Visser|Smit|Meijer|De Boer|Mulder|De Groot|Bos|"
    "Vos|Peters|Hendriks|Van Leeuwen|Dekker|Brouwer|De Wit|Dijkstra|Smits|De Graaf|Van der Meer|"
    "Kok|Jacobs|Vermeulen|Van den Heuvel|Van der Veen|Schouten|Van Beek|Willems|Van Vliet|Hoekstra|"
    "Maas|Verhoeven|Koster|Van Dam|Prins|Blom|Huisman|Peeters|De Jong|Postma|Kramer|Citroën"
)
TRADES = _listed(
    "Bakkerij|Slagerij|Café|Kapsalon|Garage|Bouwbedrijf|Schildersbedrijf|Hoveniersbedrijf|"
    "Transport|Installatietechniek|Drukkerij|Makelaardij|Groothandel|Adviesbureau|Tandartspraktijk"
)
PLACES = _listed(
    "AMSTERDAM|ROTTERDAM|'S-GRAVENHAGE|UTRECHT|EINDHOVEN|GRONINGEN|TILBURG|ALMERE|BREDA|NIJMEGEN|"
    "ARNHEM|HAARLEM|ENSCHEDE|'S-HERTOGENBOSCH|ZWOLLE|LEIDEN|MAASTRICHT|DEVENTER|SNEEK|GOUDA"
)
STREETS = _listed(
    "Dorpsstraat|Kerkweg|Stationsplein|Industrieweg|Molenlaan|Julianastraat|Havenkade|Marktstraat|"
    "Burg. Van Rooyenlaan|Oude Gracht|Nieuwstraat|Parallelweg|Eikenlaan|Tulpstraat"
)
GOODS = _listed(
    "Tarwebloem 25 kg|Roomboter|Onderhoud machine|Advieskosten|Huur bedrijfsruimte|Brandstof|"
    "Kantoorartikelen|Verpakkingsmateriaal|Telefoonkosten|Verzekeringspremie|Loon periode|"
    "Schoonmaakkosten|Reclamedrukwerk|Gereedschap|Reparatie bestelauto|Crème fraîche 5 l"
)
REMARKS = _listed(
    "Betaalt altijd na de tweede herinnering.|Belt liever dan dat hij mailt.|"
    "Afspraak: 2% korting bij betaling binnen 8 dagen.|Factuur naar de boekhouding, niet naar de "
    "winkel.|Nieuw btw-nummer doorgekregen, nog controleren bij de Belastingdienst.|"
    "Let op: levering alleen op dinsdag en donderdag.|In geschil over de laatste levering; "
    "wacht op creditnota.|Contactpersoon is met verlof tot na de zomer."
)
EXTRA_TABLES = _listed(
    "PROJECT|PROJGRP|MEDEWERK|UREN|VALUTA|KOERS|LAND|TAAL|BETCOND|LEVCOND|HERINNER|INCASSO|"
    "BETAALOP|BANKAFSC|AFSCHRIJ|ACTIVA|BUDGET|VERDEEL|MAGAZIJN|VOORRAAD|ORDER|ORDREGEL|INKOOP|"
    "INKREGEL|PAKBON|OFFERTE|CONTACT|RELATIE|ARTGROEP|PRIJSLST|KORTING|KASSA|ICP|XMLAUDIT|"
    "RAPPORT|SJABLOON|MEMORIAA|BEGINBAL|TRANSIT|CONSOLID"
)
TRADE_CODES = _listed(
    "BAKKER|SLAGER|CAFE|KAPPER|GARAGE|BOUW|SCHILDER|HOVENIER|TRANSP|LOODGIET|DRUKKER|MAKELAAR|"
    "GROOTH|ADVIES|TANDARTS|FYSIO|HOTEL|BLOEMEN|FIETSEN|SCHOEN|VISHAL|KAASHUIS|WIJNEN|OPTIEK|"
    "APOTHEEK|NOTARIS|ELEKTRO|DAKDEK|STUKADOOR|TIMMER|KEUKENS|MEUBEL|TEXTIEL|SPEELGOED|BOEKEN|"
    "MUZIEK|SPORT|CAMPING|MANEGE|KWEKER"
)
