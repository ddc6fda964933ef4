package crossfade

import (
	"container/list"
	"strings"
	"sync"
)

// known is what is known of one record, or of one list.
type known struct {
	name    string
	version uint64
	// Of a record: the moment at which the call was sent that gave it last. Of a list: at which it was last shown.
	moment uint64
}

// knownVersions are the versions that a session was given. A list's version is the greatest of it and of its records that were
// read or written by themselves, so a list is never older than they are. Bounded: what was not heard of for the longest is
// forgotten first.
type knownVersions struct {
	mu    sync.Mutex
	most  int
	names map[string]*list.Element
	// Of *known; what was heard of last is at the back.
	heard  *list.List
	moment uint64
}

func newKnownVersions(most int) *knownVersions {
	return &knownVersions{most: most, names: make(map[string]*list.Element), heard: list.New()}
}

// now is the moment as it is now; each list that is shown begins another one.
func (v *knownVersions) now() uint64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.moment
}

// of is the version to send back; 0: none was given, or it was forgotten.
func (v *knownVersions) of(name string) uint64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.get(name).version
}

// isShownByList says whether a list has shown a record, or that there is none, after its own version was given: it may have shown more.
func (v *knownVersions) isShownByList(name string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	of := listOf(name)
	return of != name && v.get(of).moment > v.get(name).moment
}

// raise notes what the answer to a call gave that was sent at moment.
func (v *knownVersions) raise(name string, version, moment uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	of := listOf(name)
	if of == name {
		v.moment++
		v.set(known{of, version, v.moment})
		return
	}
	v.set(known{name, version, moment})
	v.set(known{of, version, v.get(of).moment})
}

func (v *knownVersions) get(name string) known {
	if element, ok := v.names[name]; ok {
		return *element.Value.(*known)
	}
	return known{}
}

// Neither part goes back: an answer that was overtaken by a later one says nothing new.
func (v *knownVersions) set(heard known) {
	if element, ok := v.names[heard.name]; ok {
		before := element.Value.(*known)
		before.version = max(before.version, heard.version)
		before.moment = max(before.moment, heard.moment)
		v.heard.MoveToBack(element)
		return
	}
	v.names[heard.name] = v.heard.PushBack(&heard)
	if v.heard.Len() > v.most {
		oldest := v.heard.Front()
		v.heard.Remove(oldest)
		delete(v.names, oldest.Value.(*known).name)
	}
}

// listOf is the list in which a record stands: patients/p/medications/*. Its name is no record's: * is no part of one.
func listOf(name string) string {
	return name[:strings.LastIndexByte(name, '/')+1] + "*"
}
