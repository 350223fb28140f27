"""Thirty short documents of one imagined town and its shops, and sixty questions: each knows its document."""

DOCUMENTS = {
    "returns": "Goods bought in our shop may be returned within thirty days if they are unused and in their original box. "
    "Bring the receipt. We refund the price to the card that was used; cash purchases get a voucher. Sale items and "
    "opened software cannot be returned.",
    "shipping": "Orders placed before two in the afternoon leave the warehouse the same day. Standard delivery takes three to "
    "five working days and costs four euros; express delivery arrives the next morning for twelve. Parcels above "
    "thirty kilograms travel by freight.",
    "warranty": "Every appliance carries a two year guarantee against faults in material and workmanship. Damage by water, "
    "falls or wrong voltage is excluded. To make a claim, send the serial number and a photo of the defect to the "
    "service desk.",
    "payroll": "Salaries are transferred on the twenty-fifth of each month. Overtime is paid with the following salary at one "
    "and a half times the hourly wage. Changes of bank account must reach the payroll office by the tenth.",
    "holidays": "Full-time employees have twenty-eight days of paid vacation a year. Requests go to the team leader at least "
    "four weeks ahead. Up to five unused days move into the next year and lapse at the end of March.",
    "sick": "Whoever is ill calls the office before nine o'clock. From the third day on a doctor's certificate is needed. "
    "Wages continue for six weeks; after that the health insurance pays sick benefit.",
    "remote": "Staff may work from home on two days a week. The laptop must be encrypted and connect through the company VPN. "
    "Core hours, when everybody can be reached, are from ten to three.",
    "travelcosts": "Business trips are booked by rail in second class; flights need the approval of a director. Hotels are "
    "reimbursed up to one hundred and twenty euros a night. Hand in receipts within a month, with the expense form.",
    "password": "Passwords have at least fourteen characters and are kept in the password manager. A forgotten password is reset "
    "at the self-service portal with a code from the authenticator app. After five wrong attempts the account is "
    "locked for thirty minutes.",
    "printer": "When the printer on the second floor shows error E5, open the rear cover and pull the jammed paper out slowly. "
    "Toner cartridges lie in the cupboard by the stairs. Colour printing needs the personal badge.",
    "backup": "The database is copied every night at one, and the copies are kept for ninety days in another data centre. To "
    "restore a table, open a ticket with the name of the schema and the time it should go back to.",
    "deploy": "A release is built from the main branch when all tests pass. The pipeline first rolls it out to five percent of "
    "the servers, watches the error rate for ten minutes, and then to the rest. To roll back, press the red button.",
    "api": "Clients authenticate with a bearer token in the header. Each token allows six hundred requests a minute; beyond "
    "that the gateway answers status 429 and tells how long to wait. Old versions are switched off after a year.",
    "sourdough": "Feed the starter the evening before. Mix flour, water and salt, fold the dough four times in three hours, and "
    "let it rise in the fridge overnight. Bake the loaf in a very hot covered pot for forty-five minutes.",
    "ragout": "Fry onions, carrots and celery in butter, add minced beef and brown it. Pour in red wine and tomatoes, and simmer "
    "for three hours over a low flame. Serve the sauce with broad noodles and grated cheese.",
    "pickles": "Pack small cucumbers with dill, mustard seeds and garlic into clean jars. Boil vinegar with sugar and salt and pour "
    "it over them. Closed and stored in the dark they keep for a year.",
    "coffee": "Grind sixteen grams of beans medium fine for each cup. Wet the filter, pour water of ninety-three degrees in "
    "circles, and wait half a minute for the bloom. If the brew tastes sour, grind finer; if it is bitter, coarser.",
    "tomatoes": "Sow tomato seeds indoors in March. Plant the seedlings out after the last frost, sixty centimetres apart and tied to a "
    "stake. Pinch out side shoots every week and water at the roots, so that the leaves stay dry and free of blight.",
    "bees": "A hive needs a quiet, sunny place sheltered from wind. In May look for queen cells every nine days, or the colony will "
    "swarm. Harvest honey when two thirds of the comb are capped, and leave fifteen kilograms for the winter.",
    "roses": "Prune rose bushes when the forsythia blooms. Cut dead and crossing branches to the base, and the others above an outward "
    "bud. Against greenfly a spray of soapy water helps; yellow leaves with black spots go into the bin.",
    "cat": "A grown cat eats several small meals a day and sleeps up to sixteen hours. Its litter box is cleaned daily. Vaccinate "
    "against cat flu each year, and comb longhaired animals so that they swallow less hair.",
    "aquarium": "Let a new tank run for four weeks before the first fish move in, so that bacteria can settle in the filter. Change a "
    "third of the water every fortnight. Neon tetras live in shoals of ten and like it soft and warm.",
    "bicycle": "Clean and oil the chain every three hundred kilometres. The tyres of a city bike want four bar. If the gears rattle, "
    "turn the barrel adjuster of the derailleur by a quarter. Worn brake pads squeal and must be replaced.",
    "car": "The oil is changed every fifteen thousand kilometres or once a year. Winter tyres belong on from October to Easter. When "
    "the battery is flat, connect red to plus first, then black to the bare metal of the engine.",
    "train": "The regional train to the coast leaves hourly at twelve minutes past from platform three. Bicycles need their own ticket. "
    "Who arrives more than an hour late gets a quarter of the fare back.",
    "museum": "The museum of the town is open from ten to six and closed on Mondays. Entrance is free for children under twelve. The "
    "exhibition on the ground floor shows fossils and Roman coins; guided tours begin at eleven.",
    "library": "Books are lent for four weeks and can be renewed twice unless somebody waits for them. Late fees are twenty cents a "
    "day. With the library card films can be streamed at home, and study rooms reserved.",
    "swimming": "The pool is fifty metres long and has eight lanes; two of them are kept for clubs in the evening. Beginners' courses for "
    "children start in September. Lockers take a one euro coin, and a bathing cap is compulsory.",
    "recycling": "Paper goes into the blue bin, packaging into the yellow sack, glass to the containers by colour. Batteries and paint "
    "are taken at the depot on Saturdays. Bulky rubbish such as sofas is collected on request twice a year.",
    "heating": "Bleed the radiators at the beginning of winter: turn the valve with the key until water comes. If the boiler pressure "
    "falls below one bar, refill it. A night setback of four degrees saves about a tenth of the gas.",
}

QUESTIONS = [
    ("How long do I have to bring something back to the shop?", "returns"),
    ("Can I get my money back for opened software?", "returns"),
    ("How fast is express delivery?", "shipping"),
    ("What does it cost to have an order delivered?", "shipping"),
    ("Is water damage covered by the guarantee?", "warranty"),
    ("What do I send in to claim a defect of my appliance?", "warranty"),
    ("When do I get my salary?", "payroll"),
    ("How is overtime paid?", "payroll"),
    ("How many days of vacation do I have?", "holidays"),
    ("Can unused holidays be taken next year?", "holidays"),
    ("I am ill today. What must I do?", "sick"),
    ("When do I need a certificate from the doctor?", "sick"),
    ("May I work at home?", "remote"),
    ("What are the core hours?", "remote"),
    ("How much may a hotel cost on a business trip?", "travelcosts"),
    ("Who approves flights?", "travelcosts"),
    ("I forgot my password", "password"),
    ("Why is my account locked after wrong attempts?", "password"),
    ("The printer says E5", "printer"),
    ("Where do I find toner?", "printer"),
    ("How often is the database copied?", "backup"),
    ("How can I restore a table that was deleted?", "backup"),
    ("How do I roll back a bad release?", "deploy"),
    ("How many servers get a new release first?", "deploy"),
    ("What is the rate limit for requests?", "api"),
    ("How does a client authenticate?", "api"),
    ("How long does a sourdough loaf bake?", "sourdough"),
    ("When must I feed my starter?", "sourdough"),
    ("Which meat goes into the sauce for noodles?", "ragout"),
    ("How long should the tomato sauce with wine simmer?", "ragout"),
    ("How are cucumbers preserved in vinegar?", "pickles"),
    ("How long do pickled gherkins keep in closed jars?", "pickles"),
    ("My coffee tastes sour", "coffee"),
    ("How hot should the water for filter coffee be?", "coffee"),
    ("When can tomato seedlings be planted outside?", "tomatoes"),
    ("How do I keep blight off my plants?", "tomatoes"),
    ("When is honey harvested?", "bees"),
    ("How do I stop a colony from swarming?", "bees"),
    ("When should roses be pruned?", "roses"),
    ("What helps against greenfly?", "roses"),
    ("How much does a cat sleep?", "cat"),
    ("Which vaccination does my kitten need each year?", "cat"),
    ("How often do I change the water of the fish tank?", "aquarium"),
    ("How long must a new aquarium run before fish move in?", "aquarium"),
    ("The gears of my bike rattle", "bicycle"),
    ("What tyre pressure does a city bicycle need?", "bicycle"),
    ("How do I jump-start a flat battery?", "car"),
    ("When do I need winter tyres?", "car"),
    ("When does the train to the coast leave?", "train"),
    ("Do I get part of my fare back if the train is late?", "train"),
    ("On which day is the museum closed?", "museum"),
    ("Where can I see Roman coins?", "museum"),
    ("How long can I borrow a book?", "library"),
    ("What is the fee for returning books late?", "library"),
    ("Do I need a cap to swim in the pool?", "swimming"),
    ("When do swimming courses for children start?", "swimming"),
    ("Where do I take old batteries and paint?", "recycling"),
    ("How do I get rid of an old sofa?", "recycling"),
    ("How do I bleed a radiator?", "heating"),
    ("The pressure of the boiler is too low", "heating"),
]
