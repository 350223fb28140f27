"""What words are about: a readable table, so that texts on one topic are near without sharing words."""

# Words that say little about a text.
COMMON = frozenset(
    (
        "a about after all also am an and any are as at be been before being but by can could did do does done for from "
        "get got had has have he her here him his how i if in into is it its just like may me more most much my no not "
        "now of on one only or other our out over please said she should so some such than that the their them then "
        "there these they this those to too up us very was we were what when where which while who why will with would "
        "you your . , ; : ? ! ' \" ( ) -"
    ).split()
)

TOPICS: dict[str, str] = {
    "food": (
        "food cook cooking recipe bake baking oven bread butter cheese meal dinner lunch breakfast soup salad sauce pasta "
        "rice vegetable fruit meat chicken beef fish salt pepper spice garlic onion tomato potato kitchen chef restaurant "
        "eat taste flavor delicious dish dessert cake sugar chocolate egg flour dough boil fry grill roast simmer ingredient"
    ),
    "sports": (
        "sport game team player match goal score win won championship league cup coach football soccer basketball baseball "
        "tennis hockey golf race runner marathon athlete stadium referee tournament season ball pitch defender striker "
        "olympic medal swim swimmer training fan season playoff series inning quarterback"
    ),
    "weather": (
        "weather rain rainy snow storm wind windy sun sunny cloud cloudy temperature forecast hot cold warm humid thunder "
        "lightning fog hail degree celsius fahrenheit climate hurricane umbrella drizzle shower freeze frost"
    ),
    "money": (
        "money bank loan interest rate credit debit invest investment investor stock market share price fund bond tax "
        "budget saving account payment pay invoice salary income profit loss revenue cost inflation economy currency "
        "dollar euro mortgage dividend portfolio trade broker debt finance financial refund charge bill billing"
    ),
    "code": (
        "code program programming software developer function variable bug debug compile compiler python javascript java "
        "rust loop array string class object database query sql server api library framework algorithm deploy git commit "
        "repository test unit exception error syntax script computer data file type memory thread stack browser web"
    ),
    "travel": (
        "travel trip journey flight fly airport airline hotel ticket passport visa luggage suitcase tourist tour guide "
        "vacation holiday beach train station bus booking book destination map abroad cruise island passenger sightseeing "
        "museum itinerary hostel plane boarding gate departure arrival"
    ),
    "health": (
        "health doctor nurse hospital patient medicine drug disease illness symptom pain fever cough headache treatment "
        "therapy surgery vaccine virus infection blood heart pressure diet exercise sleep vitamin clinic diagnosis dose "
        "prescription allergy injury muscle bone dentist mental stress"
    ),
    "animals": (
        "animal dog cat puppy kitten horse cow pig sheep bird parrot fish whale dolphin shark lion tiger bear wolf fox "
        "rabbit mouse elephant monkey snake zoo pet vet fur feather tail paw wild species nest bark meow habitat bee insect"
    ),
    "music": (
        "music song sing singer band guitar piano violin drum concert album melody rhythm chord orchestra symphony jazz "
        "rock pop opera choir composer note tune listen audio stage lyrics musician bass trumpet playlist"
    ),
    "space": (
        "space planet star moon sun earth mars jupiter saturn galaxy orbit rocket astronaut telescope universe satellite "
        "comet asteroid nasa gravity launch spacecraft cosmic solar lunar eclipse nebula astronomer"
    ),
    "law": (
        "law court judge lawyer attorney trial jury crime criminal police arrest contract legal sue lawsuit verdict guilty "
        "evidence witness sentence prison appeal regulation statute rights clause liability"
    ),
    "school": (
        "school teacher student class lesson homework exam grade university college study learn education course professor "
        "degree campus textbook lecture scholarship math physics chemistry history essay curriculum classroom pupil"
    ),
    "home": (
        "house home room kitchen bedroom bathroom roof wall window door furniture sofa table chair bed lamp garden lawn "
        "rent apartment paint repair plumber faucet leak carpet clean vacuum heating broom shelf neighbor"
    ),
    "politics": (
        "government president election vote voter party senate congress parliament minister policy campaign democracy "
        "republic candidate senator treaty diplomat border tariff reform bill legislature mayor ballot"
    ),
    "nature": (
        "nature forest tree river lake mountain ocean sea desert valley plant flower leaf soil seed grow garden bloom rose "
        "grass hill waterfall ecosystem biodiversity season spring autumn conservation"
    ),
    "vehicles": (
        "car truck vehicle engine wheel tire brake fuel gas gasoline electric battery charge drive driver road highway "
        "traffic mechanic motor motorcycle bicycle bike pedal gear transmission garage mileage oil"
    ),
    "shopping": (
        "shop store buy purchase order delivery deliver shipping ship package parcel return refund discount sale coupon "
        "customer cart checkout size receipt warranty product brand retail tracking exchange"
    ),
}
