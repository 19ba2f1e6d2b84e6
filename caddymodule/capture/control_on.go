//go:build sidehook_controls

package capture

import "os"

// init sets the control that the environment names.
func init() { control.holdNothing = os.Getenv("SIDEHOOK_CONTROL") == "hold-nothing" }
