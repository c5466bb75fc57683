package policy

// Sections of a module.
const (
	sectionCustom = iota
	sectionType
	sectionImport
	sectionFunction
	sectionTable
	sectionMemory
	sectionGlobal
	sectionExport
	sectionStart
	sectionElement
	sectionCode
	sectionData
	sectionDataCount
)

// order is the turn of a section; each comes once at most. That of unknown ones is
// the last.
func order(id byte) int {
	switch {
	case id < sectionCode:
		return int(id)
	case id == sectionDataCount:
		return sectionCode
	}
	return int(id) + 1
}

// section walks the content of a section.
func (b *bounds) section(id byte) {
	switch id {
	case sectionCustom:
		if b.text() != "name" {
			b.skip(b.end - b.at)
			return
		}
		if size := b.end - b.at; size > maxNames {
			b.fail("has names of %d bytes; accepted: at most %d, or none", size, maxNames)
		}
		b.names()
	case sectionType:
		if n := b.each(func() {
			if b.byte() != 0x60 {
				b.at--
				b.malformed()
			}
			params, results := b.each(b.valueType), b.each(b.valueType)
			b.values, b.passed = max(b.values, params+results), b.passed+params+results
			if b.passed > maxFlow {
				b.fail("has types with more than %d parameters and results together; accepted: at most that", maxFlow)
			}
			if b.params = max(b.params, params); max(params, results) > maxValues {
				b.fail("has a type with %d parameters and %d results; accepted: at most %d", params, results, maxValues)
			}
		}); n > maxTypes {
			b.fail("has %d types; accepted: at most %d", n, maxTypes)
		}
	case sectionImport:
		if b.each(b.importing) > maxImports {
			b.fail("has more than %d imports; accepted: at most that", maxImports)
		}
	case sectionFunction:
		if n := b.each(b.signed); n > maxFunctions {
			b.fail("has %d functions; accepted: at most %d", n, maxFunctions)
		}
	case sectionTable:
		b.each(b.table)
	case sectionMemory:
		b.each(func() { b.limits() })
	case sectionGlobal:
		if n := b.each(b.global); n > maxGlobals {
			b.fail("has %d globals; accepted: at most %d", n, maxGlobals)
		}
	case sectionExport:
		at := b.at
		b.count()
		b.exports.items, b.at = b.at, at
		if b.exported = b.each(b.export); b.exported > maxExports {
			b.fail("has %d exports; accepted: at most %d", b.exported, maxExports)
		}
	case sectionStart, sectionDataCount:
		b.signed()
	case sectionElement:
		if n := b.each(b.element); n > maxParts {
			b.fail("has %d element segments; accepted: at most %d", n, maxParts)
		}
	case sectionCode:
		b.each(b.function)
	case sectionData:
		if n := b.each(b.segment); n > maxSegments {
			b.fail("has %d data segments; accepted: at most %d", n, maxSegments)
		}
	default: // wazero knows what to say
		b.skip(b.end - b.at)
	}
}

func (b *bounds) importing() {
	module, name := b.text(), b.text()
	switch b.byte() {
	case 0:
		b.signed()
	case 1:
		b.fail("imports the table %s.%s; accepted: functions", module, name)
	case 2:
		b.limits()
	case 3:
		b.fail("imports the global %s.%s; accepted: functions", module, name)
	default:
		b.at--
		b.malformed()
	}
}

// element passes an element segment, of which there are eight forms. Its items
// are kept for each instance.
func (b *bounds) element() {
	form := b.number()
	if form > 7 {
		b.malformed()
	}
	if form&1 == 0 { // active
		if form&2 != 0 {
			b.signed() // its table
		}
		b.constant()
	}
	item := b.signed
	if form&4 != 0 {
		item = b.constant
	}
	switch {
	case form&3 == 0: // functions
	case form&4 == 0:
		b.byte() // the kind of its items: functions too
	default:
		b.valueType()
	}
	if b.items += b.each(item); b.items > maxElements {
		b.fail("has more than %d items in element segments; accepted: at most that", maxElements)
	}
}

func (b *bounds) function() {
	size := b.count()
	end := b.at + size
	locals := uint64(0)
	b.each(func() { locals += uint64(b.number()); b.valueType() })
	if locals > maxLocals {
		b.fail("has a function with %d locals; accepted: at most %d", locals, maxLocals)
	}
	if b.at > end {
		b.malformed()
	}
	if b.err != nil {
		return
	}
	if size > maxBody {
		b.fail("has a function of %d bytes; accepted: at most %d", size, maxBody)
	}
	b.work = work{body: size, locals: locals + uint64(b.params), values: b.values}
	b.instructions(end)
	if flow := b.work.flow(); flow > maxFlow {
		b.fail("has a function whose calls and branches may pass %d values; accepted: at most %d", flow, maxFlow)
	}
	one := b.work.effort()
	if b.efforts += one; one > maxEffort || b.efforts > maxEfforts {
		b.fail("takes too long to compile at a function with %d blocks and %d locals; accepted: smaller ones, or fewer", b.work.blocks, locals)
	}
}

func (b *bounds) segment() {
	switch b.number() {
	case 0:
		b.constant()
	case 1:
	case 2:
		b.signed()
		b.constant()
	default:
		b.malformed()
	}
	b.run()
}

// names passes the names of functions and locals, which wazero keeps for traces.
func (b *bounds) names() {
	pair := func() { b.signed(); b.run() }
	for b.at < b.end && b.err == nil {
		kind := b.byte()
		size := b.count()
		end := b.at + size
		switch kind {
		case 0:
			b.run()
		case 1:
			b.each(pair)
		case 2:
			b.each(func() { b.signed(); b.each(pair) })
		default:
			b.skip(size)
		}
		if b.at != end {
			b.malformed()
		}
	}
}
