import { Shape, area, type Named } from "./shapes";
import { memoize, range } from "./util/functional";
import data from "./data.json";

enum Level { Low = 1, Middle, High = Low << 4 }

const fibonacci: (n: number) => bigint = memoize((n: number): bigint =>
        n < 2 ? BigInt(n) : fibonacci(n - 1) + fibonacci(n - 2));

class Report<T extends Named> {
        #items: T[] = [];
        static readonly title = "report";
        add(...items: T[]): this { this.#items.push(...items); return this; }
        *lines() { for (const { name } of this.#items) yield `${Report.title}: ${name ?? "?"}`; }
}

const shapes: Shape[] = [{ kind: "circle", radius: 2 }, { kind: "rectangle", width: 3, height: 4 }];
for (const shape of shapes)
        console.log(shape.kind, area(shape).toFixed(3));
for (const line of new Report().add(...data.items).lines())
        console.log(line);
console.log(Level.High, Level[2], fibonacci(90), [...range(3)].map((x) => x ** 2), data?.missing?.deep ?? "none");
