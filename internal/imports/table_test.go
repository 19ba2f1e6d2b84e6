package imports_test

// A rule holds for a folder and everything below it, its test files excepted.
type rule struct {
	folder string

	// may lists our folders that it may import, apart from its own; a folder
	// stands for everything below it. nil: it may import any.
	may []string

	// bans are import paths that it must not reach: foreign ones
	// directly, ours over any number of our own packages. A ban of ours, or of
	// another module, covers what is below it.
	bans []ban

	// calls are functions, as package.Name, that must not be named in it.
	calls []ban

	// stdOnly is the reason why nothing outside the standard library may be
	// imported; "" where it may.
	stdOnly string
}

// ban is what is forbidden and the reason, which is what a failure shows.
type ban struct{ what, why string }

const (
	caddy = "github.com/caddyserver"
	outer = "caddymodule"
)

// table is DESIGN.md §3.
var table = []rule{
	{
		folder:  "webhook",
		may:     []string{},
		stdOnly: "the nouns are what everything else speaks in: what they need, everything needs",
		bans:    []ban{{"net/http", "a noun is a value; how it travels is deliver's and caddymodule's business"}},
	},
	{
		folder: "rules",
		may:    []string{"webhook"},
		bans: []ban{
			{"os", "rules are pure: the same exchange gives the same events, whatever machine derives it again"},
			{"net", "rules are pure: what needs the network is derive's business"},
			{"net/http", "rules are pure: what needs the network is derive's business"},
			{"math/rand", "rules are pure: deriving an exchange again must give the same ids"},
			{"math/rand/v2", "rules are pure: deriving an exchange again must give the same ids"},
			{"crypto/rand", "rules are pure: deriving an exchange again must give the same ids"},
			{"store", "rules run inside the store's transaction, and cannot ask it"},
			{"derive", "derive calls rules"},
			{"deliver", "what is sent does not decide what happened"},
			{caddy, "rules must be testable, fuzzable and reusable without a server"},
		},
		calls: []ban{
			{"time.Now", "rules have no clock: an event takes its time from the exchange"},
			{"time.Since", "rules have no clock: an event takes its time from the exchange"},
			{"time.Until", "rules have no clock: an event takes its time from the exchange"},
			{"time.Sleep", "rules do not wait: they run inside a transaction"},
			{"time.After", "rules do not wait: they run inside a transaction"},
			{"time.NewTimer", "rules do not wait: they run inside a transaction"},
		},
	},
	{
		folder: "store",
		may:    []string{"webhook"},
		bans: []ban{
			{"rules", "the store keeps what a function returns, and does not know how it came to it"},
			{"derive", "derive calls the store"},
			{"deliver", "deliver asks for what is due, through an interface of its own"},
			{"net/http", "memory is local: a store that speaks HTTP would be another product"},
			{caddy, "a backend must pass its exam without a server"},
		},
	},
	{
		folder: "derive",
		may:    []string{"webhook", "rules", "store"},
		bans: []ban{
			{"deliver", "an event is recorded before anybody is told of it: the store stands between"},
			{caddy, "the line behind the request path must run, and be tested, without a server"},
		},
	},
	{
		folder: "deliver",
		may:    []string{"webhook"},
		bans: []ban{
			{"store", "deliver declares the queue that it needs; caddymodule wires them"},
			{"rules", "deliver sees nothing but the event that a rule chose"},
			{"derive", "deliver sees nothing but the event that a rule chose"},
			{caddy, "delivery must be testable without a server"},
		},
	},
	{
		folder: "caddymodule/words",
		may:    []string{},
		bans:   []ban{{caddy, "words for people are a leaf: whatever says something may use them"}},
	},
	{
		folder: "caddymodule/problem",
		may:    []string{},
		bans:   []ban{{caddy, "saying what is wrong is a leaf: whoever judges what was sent returns it, and only the API answers with it"}},
	},
	{
		folder: "caddymodule/metrics",
		may:    []string{"webhook"},
		bans:   []ban{{caddy, "every part of the line counts here: what these need, everything needs"}},
	},
	{
		folder: "caddymodule/view",
		may:    []string{"webhook", "rules", "caddymodule/words"},
		bans:   []ban{{caddy, "what is shown is what the command line reads too: it must not pull in the server that writes it"}},
	},
	{
		folder: "caddymodule/credentials",
		may:    []string{},
		bans:   []ban{{caddy, "what must not be kept is told in one place, and whoever keeps something asks it"}},
	},
	{
		folder: "caddymodule/missed",
		may:    []string{"webhook", "store"},
		bans:   []ban{{caddy, "what was missed is remembered before anything else is open: it needs a file, and whoever records gaps"}},
	},
	{
		folder: "caddymodule/own",
		may:    []string{"webhook"},
		bans:   []ban{{caddy, "what our own events are is known before there is a server that sends them"}},
	},
	{
		folder: "caddymodule/eventtype",
		may:    []string{"webhook", "rules", "store"},
		bans:   []ban{{"deliver", "what there can be is told by rules, and what it looks like by what was recorded"}},
	},
	{
		folder: "caddymodule/capture",
		may:    []string{"webhook", "rules", "derive", "store", "caddymodule/credentials", "caddymodule/metrics"},
		bans:   []ban{{"deliver", "the request path ends at its Line: what becomes of a call is none of its business"}},
	},
	{
		folder: "caddymodule/directive",
		may:    []string{"rules", "caddymodule/words"},
		bans:   []ban{{"store", "reading what is written needs nothing that runs: it is read where nothing is served, too"}},
	},
	{
		folder: "caddymodule/ruleset",
		may:    []string{"webhook", "rules", "caddymodule/directive", "caddymodule/words"},
		bans:   []ban{{"store", "what is written becomes rules, which are a value: what runs by them is made of these later"}},
	},
	{
		folder: "caddymodule/strict",
		may:    []string{"caddymodule/words"},
		bans:   []ban{{caddy, "how JSON is read is a leaf: whatever is written as JSON may use it"}},
	},
	{
		folder: "caddymodule/answer",
		may:    []string{"caddymodule/problem", "caddymodule/words"},
		bans:   []ban{{caddy, "how an answer is written does not hang on who answers"}},
	},
	{
		folder: "caddymodule/caller",
		may:    []string{"rules", "caddymodule/directive"},
		bans:   []ban{{"store", "who calls is told by the request alone"}},
	},
	{
		folder: "caddymodule/source",
		may:    []string{},
		bans:   []ban{{caddy, "what is read from elsewhere is a text: who wants it is no matter here"}},
	},
	{
		folder: "caddymodule/subscription",
		may: []string{"webhook", "rules", "deliver", "caddymodule/directive", "caddymodule/ruleset", "caddymodule/source", "caddymodule/words",
			"caddymodule/strict", "caddymodule/credentials"},
		bans: []ban{{"store", "what is written of a subscription is checked before anything is opened, and where nothing is served"}},
	},
	{
		folder: "caddymodule/dialect",
		may: []string{"webhook", "rules", "caddymodule/answer", "caddymodule/caller", "caddymodule/directive", "caddymodule/format",
			"caddymodule/problem", "caddymodule/ruleset", "caddymodule/strict", "caddymodule/subscription", "caddymodule/words"},
		bans: []ban{{"store", "a dialect makes a call one of our API, which it is handed: what that does is none of its business"}},
	},
	{
		folder: "caddymodule/kept",
		may:    []string{"webhook", "rules", "store", "deliver", "caddymodule/problem", "caddymodule/subscription"},
		bans:   []ban{{caddy, "what is kept is opened by the command line too, where nothing is served"}},
	},
	{
		folder: "caddymodule/look",
		may:    []string{"webhook", "rules", "deliver", "caddymodule/capture", "caddymodule/own"},
		bans:   []ban{{"caddymodule/engine", "whether a subscriber may see something is asked of the API: of memory it needs what it declares"}},
	},
	{
		folder: "caddymodule/replay",
		may:    []string{"webhook", "rules", "store", "caddymodule/metrics", "caddymodule/problem", "caddymodule/view"},
		bans:   []ban{{"deliver", "a replay makes deliveries due, and leaves it to others to send them"}},
	},
	{
		folder: "caddymodule/settings",
		may: []string{"webhook", "rules", "derive", "caddymodule/capture", "caddymodule/eventtype", "caddymodule/kept", "caddymodule/look",
			"caddymodule/own", "caddymodule/ruleset", "caddymodule/subscription", "caddymodule/words"},
		bans: []ban{{"caddymodule/engine", "a configuration is checked before anything is opened, and where nothing is served"}},
	},
	{
		folder: "caddymodule/engine",
		may: []string{"webhook", "rules", "store", "derive", "deliver", "caddymodule/capture", "caddymodule/credentials", "caddymodule/eventtype",
			"caddymodule/kept", "caddymodule/look", "caddymodule/metrics", "caddymodule/missed", "caddymodule/own", "caddymodule/problem", "caddymodule/replay",
			"caddymodule/settings", "caddymodule/view", "caddymodule/words"},
		bans: []ban{{"caddymodule/api", "the engine runs whether anybody asks it or not: who does is in front of it"}},
	},
	{
		folder: "caddymodule/seed",
		may: []string{"webhook", "rules", "store", "caddymodule/capture", "caddymodule/engine", "caddymodule/metrics", "caddymodule/problem",
			"caddymodule/view"},
		bans: []ban{{"caddymodule/api", "what lists show goes the way of a call: nobody in particular asks for it"}},
	},
	{
		folder: "caddymodule/api",
		may: []string{"webhook", "rules", "store", "deliver", "caddymodule/answer", "caddymodule/caller", "caddymodule/credentials",
			"caddymodule/dialect", "caddymodule/engine", "caddymodule/eventtype", "caddymodule/kept", "caddymodule/own", "caddymodule/problem", "caddymodule/replay", "caddymodule/strict",
			"caddymodule/subscription", "caddymodule/view", "caddymodule/words"},
		bans: []ban{{"caddymodule/admin", "what callers may is less than what the operator may: they never meet behind the API"}},
	},
	{
		folder: "caddymodule/admin",
		may: []string{"webhook", "rules", "store", "derive", "deliver", "caddymodule/answer", "caddymodule/api", "caddymodule/engine", "caddymodule/kept", "caddymodule/own",
			"caddymodule/problem", "caddymodule/ruleset", "caddymodule/seed", "caddymodule/settings", "caddymodule/view", "caddymodule/words"},
		bans: []ban{{"caddymodule/command", "the command line is a client of this: it is known only by what it asks"}},
	},
	{
		folder: "caddymodule/command",
		may:    []string{"webhook", "rules", "caddymodule/view", "caddymodule/words", "caddymodule/problem"},
		bans: []ban{
			{"store", "the command line is a client of the running server, which alone has the directory open"},
			{"deliver", "the command line is a client of the running server: what it delivers, that says"},
		},
	},
	{
		folder: "examples",
		may:    []string{},
		bans:   []ban{{caddy, "the examples are what people put Sidehook in front of and behind: they know nothing of it"}},
	},
}

// orders are the packages of a folder in their order: each may import those
// before it, and "" is the folder itself. Whatever the table says of the folder
// holds for all of them.
var orders = map[string][]string{
	"rules": {"lang", "tree", "document", "route", "content", "patch", "likeness", "redact", "views", "mapping", "payload", "audience", "audience/audiencetest", "", "cases"},
}

// rim says who may import caddymodule.
var rim = struct {
	may []string
	why string
}{
	may: []string{"", "cmd", "bench", "test"},
	why: "caddymodule is the rim, where Caddy meets our packages: whoever imports it pulls Caddy in",
}

// helpers says why production code must not import what imports testing.
const helpers = "it imports testing: fakes and exams live in …test packages, which only tests import"
