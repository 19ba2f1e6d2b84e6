// Package journal keeps captured calls in an append-only log on the local disk
// until their events are recorded. It implements [store.Journal].
//
// # The log
//
// A journal is a directory of numbered segments, each a file of fixed size that
// is filled with zeros, or taken over from a dropped segment, before it is
// needed. It begins with two copies of a header, one per page, which hold the
// segment's number and its salt. Frames follow, each with salt, number, kind,
// exchange id, length and two checksums. What an earlier use of the file left
// behind has another salt, and so has what a client put into a body to look
// like a frame. A seal ends every segment but the newest.
//
// # Guarantees
//
// An End with durable set that returned nil survives power loss. One whose
// frame is damaged later is reported as [store.Lost], and nothing behind it is
// lost with it; damaged bytes are never handed out as an entry. What could not
// be told from the newest segment's torn tail is the exception: that was the
// last thing written.
//
// The next segment is always prepared, so a full disk is survived until it is
// full as well. Then appends return errors that wrap [store.ErrJournalDown], at
// once, and succeed again by themselves when there is room: the journal tries
// every second, without traffic too. After an error of write or fdatasync
// nothing more is written to that segment, and after one of fdatasync it is not
// synced again either: the next append goes to another. A disk that hangs, or
// is frozen, holds up a begin for a second, later ones not at all, and an end
// until its context ends; one that has taken no writes for ten seconds holds up no
// end either.
//
// The newest ends stay in memory, within bounds, until they are handed out: a
// reader that keeps up reads no file. One that lags, or starts, reads what it is
// handed out from the disk.
//
// Segments are dropped oldest first, each once the reader is past it and has
// called Done for its ends. An open begin holds up none: it is copied to the
// tail, and the copy is handed out only after a restart that finds the
// original gone.
//
// # Not guaranteed
//
// Mutual exclusion: the caller sees to it that one process uses a directory.
// That Close returns while a write, a sync or OnDropped hangs. That an append of
// which a hung disk was not waited for is not there later: a begin is closed then, an
// end is handed out. After power loss, a stretch that was never acknowledged may
// be reported as Lost if something behind it reached the disk. A segment that is
// missing in the middle is reported, one missing at either end is not.
package journal
