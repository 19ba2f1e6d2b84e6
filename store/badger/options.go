package badger

import (
	"fmt"
	"log/slog"
	"strings"

	badgerdb "github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
)

// Options says where a store is kept.
type Options struct {
	Dir    string       // made if it does not exist
	Logger *slog.Logger // nil: nothing is logged

	// Free returns how many bytes the file system of Dir has left; nil asks it.
	Free func() (uint64, error)
}

// Memory, in bytes. Memtables of half this size are flushed and compacted so
// often that recording takes a seventh more of processor time under load, those
// of a quarter another tenth. Larger ones want a larger reserve on disk: a compaction
// writes all of level 0 and the base level again before it deletes them. A merged
// transaction (15 % of a memtable) holds some 2000 ordinary records.
const (
	memtableSize   = 16 << 20
	tableSize      = 1 << 20
	baseLevelSize  = 16 << 20
	indexCacheSize = 8 << 20

	memtables   = 2
	stallTables = 8 // of level 0, each as large as a memtable: writes wait for the compaction

	keyValueCache = 8 << 20  // of what was written lately
	eventCache    = 16 << 20 // of events recorded lately
)

// tuned returns Badger's options for a process that lives beside an API.
func tuned(o Options) badgerdb.Options {
	b := badgerdb.DefaultOptions(o.Dir)
	b.Logger = badgerLog{o.Logger}

	// Durability: a value that stays inline is in the memtable's log, and the
	// error of that log's sync is returned. The value log's is only logged.
	b.SyncWrites = true
	b.ValueThreshold = valueThreshold
	b.DetectConflicts = false // there is one writer
	b.NumVersionsToKeep = 1
	b.MetricsEnabled = false

	b.MemTableSize = memtableSize
	b.NumMemtables = memtables
	b.NumLevelZeroTables = 4
	b.NumLevelZeroTablesStall = stallTables
	b.NumCompactors = 2 // the least that Badger takes
	b.NumGoroutines = 1
	b.BaseTableSize = tableSize
	b.BaseLevelSize = baseLevelSize
	b.IndexCacheSize = indexCacheSize
	b.ValueLogFileSize = 16 << 20 // stays empty

	// Compressed, the data takes 40 % of the room on disk. It would also cost a
	// block cache, a copy for every read, and builder buffers of twice the size:
	// measured, 380 MiB of memory instead of 150 under load.
	b.Compression = options.None
	b.BlockCacheSize = 0
	return b
}

// valueThreshold is above every value that the store writes (a piece is the
// largest) and below a transaction, which Badger wants.
const valueThreshold = pieceSize + 64<<10

// badgerLog passes Badger's log on, one step quieter.
type badgerLog struct{ log *slog.Logger }

func (l badgerLog) Errorf(f string, v ...any)   { l.log.Error(logLine(f, v)) }
func (l badgerLog) Warningf(f string, v ...any) { l.log.Warn(logLine(f, v)) }
func (l badgerLog) Infof(f string, v ...any)    { l.log.Debug(logLine(f, v)) }

// Debugf drops what Badger says for every single write.
func (l badgerLog) Debugf(string, ...any) {}

func logLine(format string, v []any) string {
	return "badger: " + strings.TrimSpace(fmt.Sprintf(format, v...))
}
