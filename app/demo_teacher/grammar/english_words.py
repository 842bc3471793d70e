"""English words of the scripted teacher: roles, things, places, genres, constraints."""

from app.demo_teacher.grammar.vocabulary import Words, listed

ENGLISH: Words = {
    "role": listed(
        "lighthouse keeper,beekeeper,tram conductor,night baker,ferry captain,village doctor,"
        "clockmaker,stage hand,glass blower,mountain guide,school cook,river pilot,"
        "puppet maker,court clerk,tea merchant,rooftop gardener,piano tuner,market trader,"
        "bridge engineer,wool spinner,radio host,street sweeper,museum guard,cheese maker,"
        "telescope repairer,postal worker,goat herder,chess coach,bicycle mechanic,"
        "choir leader,shoe designer,weather observer,harbour pilot,library volunteer,"
        "stone carver,toy inventor,train dispatcher,fire warden,coral diver,quilt maker,"
        "salt farmer,kite builder,bus driver,perfume blender,apple grower,cave explorer,"
        "sign painter,rope walker,violin student,mushroom forager,laundry owner,tax adviser,"
        "desert ranger,noodle cook,hat maker,dance teacher,debt counsellor,ski instructor,"
        "canal boat owner,button collector",
        ",",
    ),
    "quality": listed(
        "patient,forgetful,retired,ambitious,shy,left-handed,curious,exhausted,generous,"
        "stubborn,newly hired,superstitious,cheerful,overworked,homesick,careful,lonely,"
        "talkative,impatient,self-taught,colour-blind,famous,nervous,thrifty,absent-minded,"
        "bilingual,competitive,soft-spoken,proud,sleepless,grumpy,part-time,legendary,"
        "sceptical,hopeful,clumsy,well-travelled,secretive,punctual,daydreaming",
        ",",
    ),
    "thing": listed(
        "umbrellas,brass keys,paper lanterns,copper kettles,wooden crates,tide tables,"
        "seed packets,glass bottles,wool blankets,bicycle bells,pocket watches,clay bricks,"
        "candle stubs,tin soldiers,train tickets,silver spoons,rain barrels,chalk sticks,"
        "garden gnomes,velvet curtains,mechanical pencils,porcelain cups,library cards,"
        "fishing nets,snow globes,leather boots,street lamps,typewriters,walnut shells,"
        "sandbags,sewing needles,compasses,bus passes,jam jars,cork boards,folding chairs,"
        "door handles,postage stamps,weather vanes,toolboxes,piano stools,rope ladders,"
        "sun hats,ink bottles,wind chimes,baking trays,marbles,tent pegs,reading glasses,"
        "flower pots,steam whistles,lunch boxes,ribbons,shopping trolleys,hammocks,"
        "thermometers,bird feeders,tea towels,suitcases,parking meters",
        ",",
    ),
    "material": listed(
        "oak,copper,wool,granite,recycled paper,bamboo,felt,slate,linen,cork,brass,amber,"
        "clay,velvet,rubber,silk,tin,straw,marble,denim,beeswax,pine,ivory-coloured plastic,"
        "leather",
        ",",
    ),
    "subject": listed(
        "tides,bread dough,migrating geese,compound interest,volcanic soil,sleep cycles,"
        "rainbows,bicycle gears,honey,earthquakes,antique clocks,public libraries,"
        "soap bubbles,vaccination,solar panels,town elections,fermented cabbage,radio waves,"
        "tree rings,coral reefs,train timetables,desert nights,paper recycling,"
        "chess openings,inflation,house plants,noise pollution,snowflakes,water filters,"
        "folk dances,lighthouses,digestive enzymes,glaciers,street markets,electric buses,"
        "moon phases,beehives,medieval guilds,swimming strokes,spices,concrete,"
        "second-hand shops,bird song,night shifts,ancient bridges,tea ceremonies,"
        "wind turbines,cheese ageing,sign languages,school lunches,cave paintings,"
        "urban foxes,shoe sizes,rain gauges,typhoons,wool felting,tax returns,"
        "perspective in paintings,apple varieties,lost luggage",
        ",",
    ),
    "process": listed(
        "{subject} affect {place folk}|a {role} spends {occasion}|"
        "yeast reacts to {material} tubs|{thing} are repaired after {event}|"
        "{subject} were understood {n 2-9} centuries ago|{place folk} prepare for {event}|"
        "a vote is counted in {place}|{thing} travel from {place} to {place}|"
        "prices of {thing} rise before {event}|sound moves through {material}|"
        "{subject} depend on {subject}|a {quality} {role} can save {n 20-900} coins a month",
        "|",
    ),
    "occasion": listed(
        "an ordinary Monday,the first hour of a shift,the week before {event},"
        "a rainy afternoon,the slow season,a day without electricity",
        ",",
    ),
    "place": listed(
        "a floating market,a mountain hut,an abandoned theatre,a small island,a border town,"
        "a desert inn,a rooftop garden,an underground station,a fishing harbour,"
        "a snowed-in airport,a spice bazaar,a quiet monastery,a night train,a windy plateau,"
        "an old shipyard,a crowded ferry,a salt mine,a research station,a terraced vineyard,"
        "a canal village,a travelling circus,a bamboo forest,a shopping arcade,"
        "a cliff-top hotel,a community kitchen,a school attic,a tram depot,a public bath,"
        "a cloud forest,a frozen lake,a glass factory,a lakeside campsite,an empty stadium,"
        "a botanical garden,a court house,a printing house,an orchard,a lost valley,"
        "a bicycle workshop,a tidal flat",
        ",",
    ),
    "place folk": listed(
        "harbour towns,hill farmers,city commuters,island families,night workers,"
        "school classes,small bakeries,long-distance drivers,apartment gardeners,"
        "market stalls,village councils,coastal birds,factory crews,young musicians,"
        "amateur sailors,theatre groups",
        ",",
    ),
    "event": listed(
        "the harvest festival,a power cut,the spring flood,a solar eclipse,"
        "the yearly regatta,a bus strike,the first snow,a surprise inspection,"
        "the lantern parade,a heat wave,the autumn equinox,a royal visit,the school reunion,"
        "a chess tournament,the night market,a broken promise,the grand reopening,"
        "a long silence,the town election,a double booking,the salt auction,a sandstorm,"
        "the kite contest,a wedding in the rain,the last ferry,a change of management,"
        "the bread shortage,an unexpected inheritance,the midnight concert,a week of fog",
        ",",
    ),
    "deed": listed(
        "inherits {n 30-900} {thing}|loses {a quality} parrot|finds a letter under {thing}|"
        "must cross {place} before {event}|trades {thing} for {thing}|"
        "teaches {audience} about {subject}|builds a raft of {material}|"
        "forgets the date of {event}|argues with {a role} over {thing}|"
        "opens a school for {subject}|sells {n 3-60} {thing} to {a quality} {role}|"
        "discovers a room full of {thing}|apologises to {audience}|"
        "invents a machine for {subject}|spends {n 2-30} days in {place}|moves into {place}|"
        "writes letters to {a role}|learns that {subject} are dangerous|bets on {event}|"
        "hides {thing} from {a role}|repairs {thing} with {material}|dreams of {place}|"
        "hears a rumour about {subject}|befriends {a quality} {role}|"
        "refuses to leave {place}|collects {material} {thing}",
        "|",
    ),
    "audience": listed(
        "ten-year-old pupils,first-time voters,night shift nurses,hotel guests,"
        "new apprentices,exchange students,impatient customers,retired sailors,"
        "a parents' evening,busy commuters,amateur cooks,a town council,chess beginners,"
        "visiting engineers,a sports club,young farmers,theatre volunteers,language learners,"
        "museum visitors,a board of directors,grandparents,weekend hikers,shop assistants,"
        "science fair judges,bus passengers,a jury,home gardeners,new neighbours,"
        "choir members,a rival team",
        ",",
    ),
    "genre": listed(
        "short story,haiku,limerick,two-paragraph essay,product description,packing list,"
        "press release,apology letter,job advert,bedtime story,weekly meal plan,"
        "safety checklist,diary entry,farewell speech,recipe,study guide,slogan,"
        "crossword clue,news report,thank-you note,riddle,travel itinerary,radio script,"
        "complaint letter,book review,lesson plan,menu,nursery rhyme,eulogy,user manual,"
        "horoscope,telephone script,fable,interview transcript,newsletter,scavenger hunt,"
        "cover letter,monologue,field report,lullaby,treaty,warning sign,memo,love letter,"
        "museum label,shopping guide,petition,ghost story,obituary,quiz",
        ",",
    ),
    "constraint": listed(
        "using no more than {n 20-180} words|without mentioning {subject}|"
        "in the voice of {a quality} {role}|with exactly {n 3-12} sentences|"
        "and end with a question about {subject}|so that {audience} can follow it|"
        "mentioning {thing} at least twice|in a tone fit for {audience}|"
        "using only words of up to {n 5-9} letters|"
        "starting every sentence with a different letter|"
        "and include one number above {n 40-900}|as if it were written {n 20-400} years ago|"
        "with a surprising turn at {event}|while avoiding the letter {letter}|"
        "with one rhyme on {material}|and add a short title that names {place}|"
        "in the form of {a genre}|giving {n 2-6} reasons|and explain each step to {audience}|"
        "with a moral about {subject}|by comparing it with {subject}|"
        "and name one risk for {place folk}|keeping the mood {mood}|"
        "in two versions, one {mood} and one {mood}|from the point of view of {a role}|"
        "and suggest what {a role} should do next",
        "|",
    ),
    "letter": listed(
        "b c d f g h k m p s v w y z q j",
        " ",
    ),
    "mood": listed(
        "gloomy,playful,solemn,dry,tender,suspenseful,festive,bitter,calm,ironic,hopeful,"
        "matter-of-fact,dreamy,urgent",
        ",",
    ),
    "textkind": listed(
        "paragraph,email,notice,letter,conversation,diary page,advert,instruction leaflet,"
        "review,announcement,speech,report,poem,sentence,meeting note,complaint",
        ",",
    ),
    "change": listed(
        "sounds {mood}|could be read aloud to {audience}|has half as many words|"
        "no longer mentions {subject}|is addressed to {a quality} {role}|"
        "uses the past tense throughout|contains a polite refusal|"
        "stresses {subject} instead of {subject}|would persuade {audience}|"
        "takes place in {place}|hides the name of the {role}|"
        "gives the news about {event} first",
        "|",
    ),
    "venture": listed(
        "bakery,podcast,bicycle shop,cleaning robot,board game,walking club,tea house,"
        "lost-and-found office,repair service,rooftop farm,night school,travel agency,choir,"
        "recycling scheme,sock brand,weather service,soup kitchen,puppet theatre",
        ",",
    ),
    "promise": listed(
        "never closes before {event}|only employs {a quality} {role}|specialises in {thing}|"
        "delivers {thing} to {place}|is run by {audience}|teaches {subject} for free|"
        "replaces {material} with {material}|rewards {audience}",
        "|",
    ),
    "skill": listed(
        "estimating,patience,navigation,basic fractions,listening,bargaining,first aid,"
        "spelling,teamwork,budgeting,knot tying,reading a timetable",
        ",",
    ),
    "operation": listed(
        "sort them by {criterion}|find the two that weigh least|group them by {criterion}|"
        "count how many start with {letter}|remove those unfit for {audience}|"
        "work out the average price|pick the {n 2-5} best for {event}|"
        "pair each one with {a role}|rank them from cheapest to dearest",
        "|",
    ),
    "criterion": listed(
        "age,colour,country of origin,weight,price,usefulness in {place},number of syllables,"
        "how fragile they are,year of invention,popularity with {audience}",
        ",",
    ),
    "followup": listed(
        "explain your order to {audience}|give the total in one line|mark the odd one out|"
        "say which one {a quality} {role} would keep|add one that is missing|"
        "write one sentence about {event}|mention any link with {subject}|"
        "return the result as a short table|state how sure you are",
        "|",
    ),
    "language": listed(
        "Python,SQL,Rust,JavaScript,Go,Ruby,Haskell,Lua,C,Bash",
        ",",
    ),
    "structure": listed(
        "a list,a dictionary,a stack,a nested list,a stream,a linked list,a table,a queue,"
        "a matrix,a sorted array",
        ",",
    ),
    "result": listed(
        "the {n 2-9} most frequent ones|every pair whose sum exceeds {n 20-900}|"
        "the first duplicate|a running average over {n 3-30} days|those sold in {place}|"
        "the longest common prefix|a dictionary from {criterion} to count|"
        "true when they are already sorted by {criterion}|the median price|"
        "the ones that {a role} has not returned",
        "|",
    ),
    "entity": listed(
        "date,price,person's name,place name,verb in the past tense,measurement,colour,"
        "question,job title,proper noun,adjective,telephone number",
        ",",
    ),
    "error": listed(
        "spelling mistakes,wrong verb tenses,missing commas,repeated words,unclear pronouns,"
        "exaggerations,mixed-up units,confusing sentences",
        ",",
    ),
    "proposition": listed(
        "{place folk} should be taught about {subject}|"
        "{thing} ought to be free for {audience}|{subject} matter more than {subject}|"
        "every {role} deserves a holiday before {event}|"
        "{place} is the right spot for a {venture}|"
        "cities should ban {thing} made of {material}|"
        "{a quality} {role} makes the best leader",
        "|",
    ),
    "person": listed(
        "{a quality} {role}|{a quality} {role}|{a role} from {place}|{a role} who {deed}"
        "|{a quality} {role} with {goods}|{a quality}, {quality} {role}|{a role} afraid of {topic}"
        "|two {quality} sisters who {deed together}|a child who wants to become {a role}"
        "|{a role} and {a quality} friend",
        "|",
    ),
    "Person": listed(
        "A {quality} {role}|The {role} of {place}|One {quality} {role}|A {role} from {place}",
        "|",
    ),
    "deed together": listed(
        "sell {goods}|share {place}|run {a venture}|quarrel about {topic}|missed {event}"
        "|study {topic}|promised {goods} to {audience}",
        "|",
    ),
    "goods": listed(
        "{thing}|{material} {thing}|{n 3-300} {thing}|{thing} from {place}|{thing} and {thing}"
        "|broken {thing}|{n 3-60} {material} {thing}|{thing} for {audience}|second-hand {thing}",
        "|",
    ),
    "topic": listed(
        "{subject}|{subject} and {subject}|{subject} in {place}|{subject} after {event}"
        "|{subject} among {place folk}|{subject} made simple|{subject} as {a role} knows them"
        "|forgotten {subject}|{subject}, {goods} and {subject}",
        "|",
    ),
    "label": listed(
        "useful,harmless,urgent,old-fashioned,technical,personal,official,funny,sad,doubtful,"
        "friendly,angry,seasonal,local,foreign,expensive,cheap,recent,outdated,scientific,"
        "commercial,political,artistic,practical,legal,medical,sporting,culinary,musical,"
        "historical,fictional,religious,rural,urban,childish,mature,honest,boastful,vague,precise",
        ",",
    ),
    "choice": listed(
        "{label} or {label}|{label} or not {label}|{label}, {label} or {label}"
        "|{label}, {label}, {label} or {label}|{fixed choice}|{fixed choice}|{fixed choice}",
        "|",
    ),
    "fixed choice": listed(
        "urgent or routine|formal or casual|fact or opinion|positive, negative or neutral|"
        "spam or not spam|true or false|polite or rude|past, present or future|"
        "question, order or statement|safe or dangerous|literal or figurative|"
        "indoors or outdoors|edible or inedible|praise, complaint or request|"
        "beginner, intermediate or advanced|science, sport, politics or culture|"
        "sarcastic or sincere|plausible or absurd",
        "|",
    ),
}
"""Slots by name; a word may hold further slots."""

OPEN_TASKS: tuple[str, ...] = (
    "Write {a genre} about {person}, {constraint}.",
    "Set {a genre} in {place} during {event}, {constraint}.",
    "Compose {a genre} for {audience} in which {person} {deed}.",
    "Draft {a genre} on {topic} and {goods}, {constraint}.",
    "Explain to {audience} how {process}, {constraint}.",
    "What might change for {place folk} if {person} {deed}, given that {process}?",
    "Why do {topic} matter to {person}, and what would {audience} say, {constraint}?",
    "Compare {topic} with {topic} for {audience}, {constraint}.",
    "Suggest {n 3-12} names for {a venture} near {place} that {promise}, {constraint}.",
    "Describe {place} just after {event} as {person} would, {constraint}.",
    "Rewrite the following {textkind} on {topic} so that it {change}, {constraint}.",
    "Shorten this {textkind} by {person} about {topic} until it {change}.",
    "{Person} buys {n 12-90} {goods} at {n 2-19} coins each and, after {event}, sells all but "
    "{n 2-9} of them to {audience} for {n 20-60} coins; how large is the profit?",
    "{Person} walks {n 3-9} kilometres an hour to {place} with {goods}; how early must {person} "
    "set out to arrive {n 4-60} kilometres away before {event}?",
    "Plan {event} for {audience} with {n 90-9000} coins and {goods}, {constraint}.",
    "List {n 4-15} {goods} or similar items that {person} needs in {place}, {constraint}.",
    "Given a list of {goods}, {operation} and {followup}, {constraint}.",
    "From the {textkind} about {topic} below, extract every {entity} and {followup}, {constraint}.",
    "Create {a language} function for {person} that takes {structure} of {goods} and returns "
    "{result}, {constraint}.",
    "Debug {a language} snippet by {person} in which {structure} of {goods} should give {result}.",
    "Correct the {error} in this {textkind} on {topic} by {person}, {constraint}.",
    "Argue for or against: {proposition}, at least if {person} {deed}, {constraint}.",
    "Design a game about {topic} for {audience}, teaching {skill} with {goods}, {constraint}.",
    "Pretend to be {person} and answer {audience} who ask about {topic}, {constraint}.",
    "Continue a tale that begins when {person} {deed}, {constraint}.",
    "Which {n 2-5} habits would help {person} cope with {event} and {topic}?",
    "Summarise what {audience} should know about {topic} before {event}, {constraint}.",
    "Give {person} {n 3-7} tips for talking to {audience} about {topic}.",
    "Turn the facts below on {topic} into {a genre} for {audience}, {constraint}.",
    "Invent a proverb about {goods} and {topic}, {constraint}.",
    "Prepare {n 4-10} questions for {person} who {deed}, {constraint}.",
    "How could {a venture} in {place} use {goods} to attract {audience} despite {event}?",
    "After {event}, {person} {deed}; tell {audience} what happened next, {constraint}.",
    "Settle a quarrel over {goods} between {person} and {person}, {constraint}.",
    "Name one thing that {topic} and {topic} have in common, {constraint}.",
)

CLASSIFICATION_TASKS: tuple[str, ...] = (
    "Classify the {textkind} that {person} sent to {audience} after {event} as {choice}.",
    "Decide whether this {textkind} on {topic} from {place} is {choice}.",
    "Label each remark on {topic} by {person} during {event} as {choice}.",
    "Is the following statement on {topic} and {goods} {choice}?",
    "Pick the category that fits {a textkind} about {topic} for {audience}: {choice}.",
    "Tell whether {person} would find the sentence about {topic} {choice}.",
    "Determine the tone in which {person} speaks of {goods} to {audience}: {choice}.",
    "Given two {textkind}s, one about {topic} and one about {goods}, say whether the second is "
    "{choice}.",
)

COMMON_TASKS: tuple[str, ...] = (
    "Summarise the given article in three plain sentences.",
    "Give me five ideas for a healthy packed lunch.",
    "Translate the sentence below into formal English.",
    "Explain the difference between weather and climate.",
    "Write a short poem about the sea at night.",
    "Classify the sentiment of the review as positive or negative.",
    "List the main arguments for working from home.",
    "Describe how to change the tyre of a bicycle.",
)
"""The fixed small list that near-copies are also made from."""

FLAWED_TASKS: tuple[str, ...] = (
    "Tell a joke.",
    "",
    "Describe the image of {place} to {audience}.",
    "Write a program that sorts {thing} by {criterion}.",
    "Plot a graph of {subject} against {criterion}.",
    "Écrivez une lettre à {a role} au sujet de {subject}.",
    "(Optional) Explain {subject} to {audience}.",
    "Open the file about {subject} and count its {entity}s.",
)
"""Tasks that quality rules should drop, each by another rule."""

PASSAGE_SENTENCES: tuple[str, ...] = (
    "The {role} kept {n 3-90} {thing} beside the door and spoke of @ all through {event}.",
    "Nobody in {place} expected @ to matter so much to {audience}.",
    "Our {venture} opened after {event}, and {thing} sold for {n 4-60} coins each.",
    "{n 12-95} {thing}, {n 2-11} {material} boxes and one note about @ were left on the table.",
    "A {quality} {role} wrote that {subject} had changed since {event}.",
    "I waited {n 2-80} minutes near {place} because of @ and {subject}.",
    "Please return the {material} {thing} before {event} starts.",
    "She said @ reminded her of {subject} and of {a quality} {role}.",
    "Yesterday {place folk} voted on {subject}; {n 51-90} in a hundred were in favour.",
    "The offer covers {thing}, {thing} and anything made of {material}.",
)
"""Sentences of an input; `@` is a word of the task."""

ANSWER_SENTENCES: tuple[str, ...] = (
    "In short, @ depends on {subject} and on how {audience} see it.",
    "A {quality} {role} would begin with the {thing} and leave {subject} for later.",
    "First set aside {n 2-40} {thing}, then check the {material} before {event}.",
    "The answer is {n 2-900}, counting the {thing} in {place} only once.",
    "Think of @ as {a quality} {role} who {deed}.",
    "Most {place folk} would agree that {subject} come before {subject}.",
    "It sounds {mood}, yet @ still fits {audience}.",
    "Above all, keep {thing} away from {material} and remember {event}.",
    "For {audience}, the main point about @ is {a quality} beginning.",
    "Three things help: {thing}, {subject} and a calm {role}.",
    "After {event} the {role} smiled and returned to {place}.",
)
"""Sentences of an output; `@` is a word of the task."""

QUESTIONS: tuple[str, ...] = (
    "How does @ work in {place}?",
    "Could you explain @ to {audience}?",
    "What should {a quality} {role} know about @?",
    "Why do {place folk} care about @ and {subject}?",
    "Is it true that @ gets harder during {event}?",
    "Which {n 2-6} {thing} would you choose for @?",
    "And what happens after {event}?",
    "Can you compare @ with {subject}?",
)
"""What a person asks; `@` is the topic."""

HARDER: tuple[str, ...] = (
    "Also take into account how {a quality} {role} in {place} would see it during {event}.",
    "Give at least {n 3-6} separate reasons and weigh them against {subject} and {subject}.",
    "Assume that only {n 3-30} {material} {thing} are at hand and explain what that changes.",
    "Show every step of the reasoning and point out where {audience} would most likely go wrong.",
    "Compare the outcome in {place} with the outcome in {place} and say which is better.",
)
"""One more demand, of 10 to 20 words."""

REASONS: tuple[str, ...] = (
    "The second text adds a demand about {subject} that the first one lacks.",
    "It is clear, complete and fit for {audience}.",
    "The wording is {mood}, but the main point about {subject} is kept.",
    "It leaves out {n 2-4} of the points that {audience} would look for.",
    "Both ask for the same depth and breadth.",
)
"""Why something was judged as it was."""
