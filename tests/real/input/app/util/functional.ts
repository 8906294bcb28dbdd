export function memoize<A, R>(f: (a: A) => R): (a: A) => R {
        const known = new Map<A, R>();
        return (a) => {
                if (!known.has(a))
                        known.set(a, f(a));
                return known.get(a)!;
        };
}

export function* range(n: number): Generator<number> {
        for (let i = 0; i < n; i++)
                yield i;
}
