package capture

// control takes away what "success means stored" rests on, so that a test can
// show that it would notice. Only a build with the tag sidehook_controls sets
// it; the product has nothing that does.
var control struct {
	// holdNothing: no byte is held back until the end is on disk.
	holdNothing bool
}
