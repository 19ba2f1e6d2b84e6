package capture_test

import (
	"io"
	"log"
)

// quiet takes what servers say about connections that tests break on purpose.
var quiet = log.New(io.Discard, "", 0)
