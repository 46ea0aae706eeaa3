import Controller
import Testing

@Suite struct WorkQueueMachineTests {
    @Test func aKeyIsQueuedOnce() {
        var queue = WorkQueueMachine<String>(concurrency: 4)
        queue.add("a", due: .zero, priority: .user)
        queue.add("a", due: .zero, priority: .user)
        #expect(queue.depth(now: .zero) == 1)
        #expect(queue.next(now: .zero) == .work("a"))
        #expect(queue.next(now: .zero) == .sleep(until: nil))
    }

    @Test func aKeyIsNeverWorkedTwiceAtOnceAndComesAgain() {
        var queue = WorkQueueMachine<String>(concurrency: 4)
        queue.add("a", due: .zero, priority: .user)
        #expect(queue.next(now: .zero) == .work("a"))
        queue.add("a", due: .zero, priority: .user)
        #expect(queue.next(now: .zero) == .sleep(until: nil))
        queue.finish("a", failed: false, again: nil)
        #expect(queue.next(now: .zero) == .work("a"))
        queue.finish("a", failed: false, again: nil)
        #expect(queue.next(now: .zero) == .sleep(until: nil))
        #expect(queue.depth(now: .seconds(1000)) == 0)
    }

    @Test func userChangesGoBeforeResyncs() {
        var queue = WorkQueueMachine<String>(concurrency: 1)
        queue.add("resync", due: .zero, priority: .resync)
        queue.add("user", due: .zero, priority: .user)
        #expect(queue.next(now: .zero) == .work("user"))
    }

    @Test func theEarlierWishAndTheHigherPriorityWin() {
        var queue = WorkQueueMachine<String>(concurrency: 1)
        queue.add("a", due: .seconds(10), priority: .resync)
        queue.add("a", due: .seconds(2), priority: .user)
        queue.add("a", due: .seconds(5), priority: .resync)
        #expect(queue.next(now: .seconds(1)) == .sleep(until: .seconds(2)))
        #expect(queue.next(now: .seconds(2)) == .work("a"))
        queue.finish("a", failed: false, again: nil)
        #expect(queue.next(now: .seconds(20)) == .sleep(until: nil))
    }

    @Test func noMoreThanTheConcurrencyRun() {
        var queue = WorkQueueMachine<Int>(concurrency: 2)
        for key in 0..<5 { queue.add(key, due: .zero, priority: .user) }
        #expect(queue.next(now: .zero) == .work(0))
        #expect(queue.next(now: .zero) == .work(1))
        #expect(queue.next(now: .zero) == .sleep(until: nil))
        queue.finish(0, failed: false, again: nil)
        #expect(queue.next(now: .zero) == .work(2))
    }

    @Test func aDelayedKeyWaitsForItsTime() {
        var queue = WorkQueueMachine<String>(concurrency: 1)
        queue.add("a", due: .zero, priority: .user)
        #expect(queue.next(now: .zero) == .work("a"))
        queue.finish("a", failed: true, again: (.seconds(3), .resync))
        #expect(queue.failures(of: "a") == 1)
        #expect(queue.next(now: .seconds(1)) == .sleep(until: .seconds(3)))
        #expect(queue.next(now: .seconds(3)) == .work("a"))
        queue.finish("a", failed: false, again: (.seconds(9), .resync))
        #expect(queue.failures(of: "a") == 0)
    }

    @Test func aWishDuringTheWorkIsNotLostToALaterReturn() {
        var queue = WorkQueueMachine<String>(concurrency: 1)
        queue.add("a", due: .zero, priority: .user)
        #expect(queue.next(now: .zero) == .work("a"))
        queue.add("a", due: .seconds(1), priority: .user)
        queue.finish("a", failed: false, again: (.seconds(60), .resync))
        #expect(queue.next(now: .seconds(1)) == .work("a"))
    }

    @Test func manyKeysAllComeInOrder() {
        var queue = WorkQueueMachine<Int>(concurrency: 1)
        for key in 0..<1000 { queue.add(key, due: .milliseconds(1000 - key), priority: .resync) }
        var seen: [Int] = []
        while case .work(let key) = queue.next(now: .seconds(2)) {
            seen.append(key)
            queue.finish(key, failed: false, again: nil)
        }
        #expect(Set(seen) == Set(0..<1000))
        #expect(seen.count == 1000)
    }

    @Test(arguments: [(1, 0.2), (2, 0.4), (4, 1.6), (8, 25.6), (9, 30), (1000, 30)])
    func backoffDoublesToItsCap(failures: Int, expected: Double) {
        func seconds(jitter: Double) -> Double {
            let delay = Backoff().delay(afterFailures: failures, jitter: jitter)
            return Double(delay.components.seconds) + Double(delay.components.attoseconds) / 1e18
        }
        #expect(abs(seconds(jitter: 1) - expected) < 1e-9)
        #expect(abs(seconds(jitter: 0) - expected / 2) < 1e-9)
    }
}
