package crossfade

import (
	"regexp"
	"strings"
	"sync"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// callKind is what a call is, as far as sending it again is concerned.
type callKind int

const (
	write callKind = iota
	// namedWrite is a write whose every record has a request_id (AIP-155): a second one has no second effect.
	namedWrite
	read
)

// methodRules are what is known of a method before any call of it, by AIP-131 to AIP-136 and AIP-231 to AIP-235.
type methodRules struct {
	reads   bool
	isBatch bool
	// Of a List: the collection that it lists; empty: none.
	collection string
	input      inputRules
	// Of the requests in a batch.
	each inputRules
}

// inputRules are where a request holds the name of its record; nil fields: it has none such.
type inputRules struct {
	name, names, parent, requests, requestID protoreflect.FieldDescriptor
	// Of a Create: the field with the new record's id, and the collection that it comes into.
	id         protoreflect.FieldDescriptor
	collection string
	// The fields that may hold the record with its name.
	records []protoreflect.FieldDescriptor
}

var (
	readPrefix = regexp.MustCompile(`^(Get|List|BatchGet|Lookup|Watch)`)
	// *methodRules by full method. As many as there are methods in the program.
	rulesByMethod sync.Map
	// Of a method that is not linked into the program: nothing is known, so it counts as a write.
	noRules = &methodRules{}
)

// rulesOf finds the rules of a method, /package.Service/Method, and keeps them.
func rulesOf(method string) *methodRules {
	if rules, ok := rulesByMethod.Load(method); ok {
		return rules.(*methodRules)
	}
	name := protoreflect.FullName(strings.ReplaceAll(strings.TrimPrefix(method, "/"), "/", "."))
	found, _ := protoregistry.GlobalFiles.FindDescriptorByName(name)
	desc, ok := found.(protoreflect.MethodDescriptor)
	if !ok {
		return noRules
	}
	rules, _ := rulesByMethod.LoadOrStore(method, compileRules(desc))
	return rules.(*methodRules)
}

func compileRules(method protoreflect.MethodDescriptor) *methodRules {
	name := string(method.Name())
	options, _ := method.Options().(*descriptorpb.MethodOptions)
	isSafe := options.GetIdempotencyLevel() == descriptorpb.MethodOptions_NO_SIDE_EFFECTS
	rules := &methodRules{
		reads:   readPrefix.MatchString(name) || isSafe,
		isBatch: strings.HasPrefix(name, "Batch"),
		input:   compileInput(method.Input(), strings.HasPrefix(name, "Create")),
	}
	if strings.HasPrefix(name, "List") {
		rules.collection = listed(method.Output())
	}
	if requests := rules.input.requests; rules.isBatch && requests != nil {
		// The requests of a BatchCreate have a parent, those of the other batches have not.
		isCreate := textField(requests.Message(), "parent") != nil
		rules.each = compileInput(requests.Message(), isCreate)
	}
	return rules
}

func compileInput(message protoreflect.MessageDescriptor, isCreate bool) inputRules {
	rules := inputRules{
		name:      textField(message, "name"),
		parent:    textField(message, "parent"),
		requestID: textField(message, "request_id"),
	}
	if names := message.Fields().ByName("names"); names != nil && names.IsList() && names.Kind() == protoreflect.StringKind {
		rules.names = names
	}
	if requests := message.Fields().ByName("requests"); requests != nil && requests.IsList() && requests.Message() != nil {
		rules.requests = requests
	}
	for i := range message.Fields().Len() {
		field := message.Fields().Get(i)
		if field.Message() == nil || field.Cardinality() == protoreflect.Repeated {
			continue
		}
		id := textField(message, field.Name()+"_id")
		if collection := collectionOf(field.Message()); isCreate && rules.id == nil && id != nil && collection != "" {
			rules.id, rules.collection = id, collection
		}
		// The name in the record of a Create counts for nothing, says AIP-133.
		if !isCreate && textField(field.Message(), "name") != nil {
			rules.records = append(rules.records, field)
		}
	}
	return rules
}

func textField(message protoreflect.MessageDescriptor, name protoreflect.Name) protoreflect.FieldDescriptor {
	field := message.Fields().ByName(name)
	if field == nil || field.Kind() != protoreflect.StringKind || field.Cardinality() == protoreflect.Repeated {
		return nil
	}
	return field
}

func listed(answer protoreflect.MessageDescriptor) string {
	for i := range answer.Fields().Len() {
		if field := answer.Fields().Get(i); field.IsList() && field.Message() != nil {
			if collection := collectionOf(field.Message()); collection != "" {
				return collection
			}
		}
	}
	return ""
}

// collectionOf is medications, from the resource's pattern; empty: the message is no resource.
func collectionOf(message protoreflect.MessageDescriptor) string {
	resource, _ := proto.GetExtension(message.Options(), annotations.E_Resource).(*annotations.ResourceDescriptor)
	if len(resource.GetPattern()) == 0 {
		return ""
	}
	parts := strings.Split(resource.GetPattern()[0], "/")
	if len(parts) < 2 {
		return ""
	}
	return parts[len(parts)-2]
}

// kindOf says what a call of the method is.
func (r *methodRules) kindOf(request any) callKind {
	if r.reads {
		return read
	}
	message, ok := request.(proto.Message)
	if !ok || r == noRules {
		return write
	}
	fields := message.ProtoReflect()
	if r.isBatch && r.input.requests != nil {
		requests := fields.Get(r.input.requests).List()
		for i := range requests.Len() {
			if textOf(requests.Get(i).Message(), r.each.requestID) == "" {
				return write
			}
		}
		if requests.Len() > 0 {
			return namedWrite
		}
		return write
	}
	if textOf(fields, r.input.requestID) != "" {
		return namedWrite
	}
	return write
}

// nameOf is the name under which a session remembers the version of an answer: the record's own, and listOf for a List.
// Empty: the request names neither.
func (r *methodRules) nameOf(request protoreflect.Message) string {
	switch {
	case r.isBatch:
		return ""
	case r.collection != "":
		return within(textOf(request, r.input.parent), r.collection, "*")
	default:
		return r.input.nameOf(request, "")
	}
}

// namesOf are the names of the records of a batch, without doubles.
func (r *methodRules) namesOf(request protoreflect.Message) []string {
	if !r.isBatch {
		return nil
	}
	var names []string
	seen := make(map[string]bool)
	add := func(name string) {
		if name != "" && !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	if r.input.names != nil {
		asked := request.Get(r.input.names).List()
		for i := range asked.Len() {
			add(asked.Get(i).String())
		}
	}
	if r.input.requests != nil {
		requests := request.Get(r.input.requests).List()
		for i := range requests.Len() {
			add(r.each.nameOf(requests.Get(i).Message(), textOf(request, r.input.parent)))
		}
	}
	return names
}

// nameOf is the record's own name. parent: of the batch, where the request leaves its own out.
func (r *inputRules) nameOf(request protoreflect.Message, parent string) string {
	if r.id != nil {
		id := textOf(request, r.id)
		if id == "" {
			return ""
		}
		if own := textOf(request, r.parent); own != "" {
			parent = own
		}
		return within(parent, r.collection, id)
	}
	if name := textOf(request, r.name); name != "" {
		return name
	}
	for _, field := range r.records {
		if record := request.Get(field).Message(); record.IsValid() {
			if name := nameIn(record); name != "" {
				return name
			}
		}
	}
	return ""
}

// nameIn is the name of the record that an answer holds, for requests that did not know it.
func nameIn(answer protoreflect.Message) string {
	return textOf(answer, textField(answer.Descriptor(), "name"))
}

func within(parent, collection, id string) string {
	if parent == "" {
		return collection + "/" + id
	}
	return parent + "/" + collection + "/" + id
}

func textOf(message protoreflect.Message, field protoreflect.FieldDescriptor) string {
	if field == nil {
		return ""
	}
	return message.Get(field).String()
}
