package kubernetes

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/snatd/snatd/host/source"
)

// feedOfPods is a feed that nobody fills but the test, which counts what it
// tells.
func feedOfPods() (f *feed[pod], facts, errors *int) {
	facts, errors = new(int), new(int)
	return &feed[pod]{
		name: "kubernetes/pods", pace: source.NewPace(longestRetry, firstRetry),
		tell: func(arrived time.Time) {
			if arrived.IsZero() {
				*errors++
			} else {
				*facts++
			}
		},
		convert: func(object any) (pod, bool, error) { return convertPod(object, "ipv4") },
		matters: all,
		values:  map[string]kept[pod]{}, rejected: map[string]string{},
	}, facts, errors
}

// Only what changes facts is told.
func TestFeed(t *testing.T) {
	f, told, _ := feedOfPods()
	step := func(what string, want int, err error, names ...string) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		list, _ := f.list()
		var got []string
		for _, p := range list {
			got = append(got, p.Name)
		}
		if diff := cmp.Diff(names, got); diff != "" || *told != want {
			t.Errorf("%s: told %d times, want %d; pods -want +got:\n%s", what, *told, want, diff)
		}
	}
	named := func(name string) func(*corev1.Pod) { return func(p *corev1.Pod) { p.Name = name } }

	if _, synced := f.list(); synced {
		t.Error("synced before a list")
	}
	step("an empty list", 1, f.Replace(nil, "1"))
	if _, synced := f.list(); !synced {
		t.Error("not synced after a list")
	}
	step("the same list", 1, f.Replace(nil, "2"))
	step("a pod", 2, f.Add(object(named("a"))), "a")
	step("the same pod", 2, f.Update(object(named("a"))), "a")
	step("what is no fact", 2, f.Update(object(func(p *corev1.Pod) { p.Name, p.Status.Message = "a", "new" })), "a")
	step("a label", 3, f.Update(object(func(p *corev1.Pod) { p.Name, p.Labels["x"] = "a", "y" })), "a")
	step("a bookmark", 3, f.Bookmark("3"), "a")
	step("another pod", 4, f.Add(object(named("b"))), "a", "b")
	step("one that has ended", 5, f.Update(object(func(p *corev1.Pod) { p.Name, p.Status.Phase = "a", corev1.PodFailed })), "b")
	step("its end", 5, f.Delete(object(named("a"))), "b")
	step("a list", 6, f.Replace([]any{object(named("b")), object(named("c"))}, "4"), "b", "c")
	step("a shorter list", 7, f.Replace([]any{object(named("c"))}, "5"), "c")
	step("a deletion", 8, f.Delete(object(named("c"))))
}

// A pod that is said wrongly stays as it was, and the others go on.
func TestFeedRejects(t *testing.T) {
	f, told, _ := feedOfPods()
	bad := object(func(p *corev1.Pod) { p.Status.PodIP = "bad" })
	if err := errors.Join(f.Replace([]any{object(nil)}, "1"), f.Update(bad), f.Update(bad)); err != nil {
		t.Fatal(err)
	}
	want := []Problem{{"kubernetes/pods", `shop/web: status.podIPs: "bad" is not an address, accepted: an IP address, such as 10.0.0.10`}}
	if diff := cmp.Diff(want, f.problems(all)); diff != "" || *told != 2 {
		t.Errorf("told %d times; -want +got:\n%s", *told, diff)
	}
	if list, _ := f.list(); len(list) != 1 || list[0].IP.String() != "10.0.1.5" {
		t.Errorf("pods are %v", list)
	}
	if err := f.Update(object(nil)); err != nil || *told != 3 || len(f.problems(all)) > 0 {
		t.Errorf("mended: %v, told %d times, problems %v", err, *told, f.problems(all))
	}
}

// An error is told once, and so is its end; a list alone does not end it.
func TestFeedFails(t *testing.T) {
	f, _, told := feedOfPods()
	first := f.fail(errors.New("refused"))
	second := f.fail(errors.New("refused"))
	if *told != 1 || second < first {
		t.Errorf("told %d times, waits %s and %s", *told, first, second)
	}
	if p := f.current(); p.Error != "refused" || p.Failure.IsZero() || p.Next.IsZero() || !p.Success.IsZero() {
		t.Errorf("%+v", p)
	}
	if err := f.Replace(nil, "1"); err != nil || f.current().Error == "" || f.current().Success.IsZero() {
		t.Errorf("%v, %+v", err, f.current())
	}
	f.opened()
	f.opened()
	if p := f.current(); p.Error != "" || !p.Next.IsZero() || *told != 2 {
		t.Errorf("told %d times, %+v", *told, p)
	}
	// A watch that may be cut again mends nothing, and one that was not answered
	// for long is no reason to ask often.
	cut := &finalError{text: "cut", cut: true}
	if third := f.fail(cut); third <= second {
		t.Errorf("told %d times, waits %s after %s", *told, third, second)
	}
	f.opened()
	f.fail(cut)
	if p := f.current(); p.Error != "cut" || *told != 3 {
		t.Errorf("told %d times, %+v", *told, p)
	}
	f.held()
	if again := f.fail(cut); again > 2*first {
		t.Errorf("waits %s after a watch that held, and %s at first", again, first)
	}
}

// What is known of a pod is nothing about another one with its name.
func TestFeedRejectsAnother(t *testing.T) {
	f, told, _ := feedOfPods()
	old := object(func(p *corev1.Pod) { p.UID = "old" })
	bad := object(func(p *corev1.Pod) { p.UID, p.Status.PodIP = "new", "bad" })
	if err := errors.Join(f.Replace([]any{old}, "1"), f.Replace([]any{bad}, "2"), f.Update(bad)); err != nil {
		t.Fatal(err)
	}
	if list, _ := f.list(); len(list) > 0 || len(f.problems(all)) != 1 || *told != 2 {
		t.Errorf("told %d times, pods %v, problems %v", *told, list, f.problems(all))
	}
	// The same facts of another pod are no news.
	again := object(func(p *corev1.Pod) { p.UID = "newer" })
	if err := errors.Join(f.Update(old), f.Update(again)); err != nil || *told != 3 {
		t.Errorf("%v, told %d times", err, *told)
	}
	if err := f.Update(bad); err != nil || *told != 4 {
		t.Errorf("%v, told %d times", err, *told)
	}
	if list, _ := f.list(); len(list) > 0 {
		t.Errorf("pods %v", list)
	}
}
