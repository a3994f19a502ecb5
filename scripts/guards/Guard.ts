/**
 * A schema as a function that says whether a value fits, in TypeScript's text: what a schema does, without what it costs
 * a process of milliseconds to prepare one. For values as JSON has them, of schemas without transformations.
 */
import type { Schema, SchemaAST } from "effect"

/** One exported guard: `export const is<name> = (value: unknown): value is <name>`. */
interface Wanted {
  readonly name: string
  readonly schema: Schema.Top
  /** Module of schema and type, as the generated file imports it. */
  readonly from: string
}

/** The annotation of a filter that is none of Effect's own: the name of its predicate in `Validators.ts`. */
const rule = "rule"

/** Objects inside become functions of their own, once for all that look alike. */
class Parts {
  private readonly names = new Map<string, string>()
  /** Name of the function for a member's object. */
  of(member: string, body: string): string {
    const wanted = `is${member.slice(0, 1).toUpperCase()}${member.slice(1)}`
    const taken = [...this.names.values()].filter((name) => name.replace(/\d+$/, "") === wanted).length
    const name = this.names.get(body) ?? `${wanted}${taken === 0 ? "" : taken + 1}`
    this.names.set(body, name)
    return name
  }
  get text(): string {
    return [...this.names].map(([body, name]) => `const ${name} = (value: unknown): boolean =>\n  ${body}\n\n`).join("")
  }
}

/** An expression that is true when `value`, an expression itself, fits. `member`: what it is called. */
const fits = (ast: SchemaAST.AST, value: string, member: string, parts: Parts): string => {
  const checks = ast.checks ?? []
  const short = frequent.find(({ ids }) => ids.join() === checks.map((check) => represented(check).id).join())
  return short === undefined
    ? all([shape(ast, value, member, parts), ...checks.map((check) => passes(check, value))])
    : `${short.name}(${[value, ...short.values(checks.map((check) => represented(check).payload))].join(", ")})`
}

const represented = (check: SchemaAST.Check<never>) => Object(check.annotations?.["representation"])

type Payload = Readonly<Record<string, string | number | undefined>>

/** Combinations of filters that most members have, each as a function. */
const frequent: ReadonlyArray<{
  readonly name: string
  readonly ids: ReadonlyArray<string>
  readonly values: (payloads: ReadonlyArray<Payload>) => ReadonlyArray<string | number | undefined>
  readonly text: string
}> = [
  {
    name: "isText",
    ids: ["effect/schema/isPattern", "effect/schema/isMaxLength"],
    values: ([pattern, length]) => [`/${pattern?.["source"]}/${pattern?.["flags"]}`, length?.["maxLength"]],
    text: 'const isText = (value: unknown, pattern: RegExp, longest: number): boolean => typeof value === "string" && pattern.test(value) && value.length <= longest'
  },
  {
    name: "isInteger",
    ids: ["effect/schema/isInt", "effect/schema/isBetween"],
    values: ([, between]) => [between?.["minimum"], between?.["maximum"]],
    text: 'const isInteger = (value: unknown, least: number, most: number): boolean => typeof value === "number" && Number.isSafeInteger(value) && value >= least && value <= most'
  }
]

const all = (conditions: ReadonlyArray<string>): string =>
  conditions.filter((one) => one !== "true").join(" && ") || "true"

const shape = (ast: SchemaAST.AST, value: string, member: string, parts: Parts): string => {
  switch (ast._tag) {
    case "String":
    case "Number":
    case "Boolean":
      return `typeof ${value} === "${ast._tag.toLowerCase()}"`
    case "Literal":
      return `${value} === ${JSON.stringify(ast.literal)}`
    case "Null":
      return `${value} === null`
    case "Unknown":
      return "true"
    case "Union":
      return `(${union(ast, value, member, parts)})`
    case "Arrays": {
      const [element] = ast.rest
      if (ast.elements.length > 0 || element === undefined || ast.rest.length > 1) throw unsupported(ast)
      return `Array.isArray(${value}) && ${value}.every((one: unknown) => ${fits(element, "one", member, parts)})`
    }
    case "Objects":
      return ast.propertySignatures.length > 0 && value !== "value"
        ? `${parts.of(member, object(ast, "value", parts))}(${value})`
        : object(ast, value, parts)
    default:
      throw unsupported(ast)
  }
}

const union = ({ types }: SchemaAST.Union, value: string, member: string, parts: Parts): string =>
  // An optional member's value may be undefined: `object` says so.
  types
    .filter(({ _tag }) => _tag !== "Undefined")
    .map((one) => fits(one, value, member, parts))
    .join(" || ")

const object = ({ indexSignatures, propertySignatures }: SchemaAST.Objects, value: string, parts: Parts): string =>
  all([
    `isReadonlyObject(${value})`,
    ...propertySignatures.map(({ name, type }) => {
      const member = `${value}[${JSON.stringify(String(name))}]`
      const inner = fits(type, member, String(name), parts)
      if (type.context?.isOptional !== true || inner === "true") return inner
      // No parentheses within parentheses: the formatter would need two runs for them.
      const bare = type._tag === "Union" && type.checks === undefined
      return `(${member} === undefined || ${bare ? union(type, member, String(name), parts) : `(${inner})`})`
    }),
    ...indexSignatures.map(({ type }) => {
      const inner = fits(type, "one", "member", parts)
      return inner === "true" ? inner : `Object.values(${value}).every((one: unknown) => ${inner})`
    })
  ])

const passes = (check: SchemaAST.Check<never>, value: string): string => {
  const named = check.annotations?.[rule]
  if (typeof named === "string") return `Validators.${named}(${value})`
  const { id, payload } = represented(check)
  switch (id) {
    case "effect/schema/isInt":
      return `Number.isSafeInteger(${value})`
    case "effect/schema/isBetween":
      return `${value} >= ${payload.minimum} && ${value} <= ${payload.maximum}`
    case "effect/schema/isMaxLength":
      return `${value}.length <= ${payload.maxLength}`
    case "effect/schema/isPattern":
      return `/${payload.source}/${payload.flags}.test(${value})`
    default:
      throw new Error(`guards: no code for a filter: ${JSON.stringify(check.annotations)}`)
  }
}

const unsupported = ({ _tag }: SchemaAST.AST) => new Error(`guards: no code for a schema of kind ${_tag}`)

const guard = ({ name, schema }: Wanted): string => {
  const parts = new Parts()
  const whole = fits(schema.ast, "value", name, parts)
  return `${parts.text}export const is${name} = (value: unknown): value is ${name} =>\n  ${whole}\n`
}

/** The text of a module. */
export const moduleOf = (header: string, wanted: Wanted, more = ""): string => {
  const text = guard(wanted)
  return [
    `/**\n${header
      .split("\n")
      .map((line) => ` * ${line}\n`)
      .join("")} * Written by \`make guards\`, not by hand.\n */`,
    'import { isReadonlyObject } from "effect/Predicate"',
    `import type { ${wanted.name} } from "${wanted.from}"`,
    ...(text.includes("Validators.") ? ['import * as Validators from "./Validators.ts"'] : []),
    "",
    ...frequent.flatMap(({ name, text: helper }) => (text.includes(`${name}(`) ? [helper, ""] : [])),
    text + more
  ].join("\n")
}
