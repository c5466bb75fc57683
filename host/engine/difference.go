package engine

import (
	"fmt"
	"slices"

	"github.com/snatd/snatd/rules/nft"
)

// mostDifferences is how many are told one by one.
const mostDifferences = 8

// differences say in a few words each what is wrong with a table that a plan puts
// right.
func differences(plan nft.Plan) (list []string) {
	if len(plan) == 0 {
		return nil
	}
	switch plan[0].(type) { // the rest follows from it
	case nft.AddTable:
		return []string{"the table is missing"}
	case nft.DeleteTable:
		return []string{"the table is of another form"}
	}
	whole := map[string]bool{} // chains that come or go with their rules
	for _, op := range plan {
		switch op := op.(type) {
		case nft.AddChain:
			whole[op.Name] = true
		case nft.DeleteChain:
			whole[op.Name] = true
		}
	}
	for _, op := range plan {
		if text := wrong(op, whole); text != "" && !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	if more := len(list) - mostDifferences; more > 0 {
		list = append(list[:mostDifferences], fmt.Sprintf("%d more", more))
	}
	return list
}

// wrong is what an operation puts right; nothing for rules of whole chains.
func wrong(op nft.Op, whole map[string]bool) string {
	rules := func(chain string) string {
		if whole[chain] {
			return ""
		}
		return "chain " + chain + " has other rules"
	}
	switch op := op.(type) {
	case nft.AddChain:
		return "chain " + op.Name + " is missing"
	case nft.DeleteChain:
		return "chain " + op.Name + " is not snatd's"
	case nft.FlushChain:
		return rules(op.Name)
	case nft.AddRule:
		return rules(op.Chain)
	case nft.AddMap:
		return "map " + op.Name + " is missing"
	case nft.DeleteMap:
		return "map " + op.Name + " is not snatd's"
	case nft.AddCounter:
		return "counter " + op.Name + " is missing"
	case nft.DeleteCounter:
		return "counter " + op.Name + " is not snatd's"
	case nft.AddElements:
		return fmt.Sprintf("map %s lacks %d elements", op.Map, len(op.Elements))
	case nft.DeleteElements:
		return fmt.Sprintf("map %s has %d elements that are not snatd's", op.Map, len(op.Elements))
	}
	return op.String()
}
