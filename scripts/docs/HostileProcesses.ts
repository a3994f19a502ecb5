/** What became of each switch that met the hostile process of `test/e2e/hostile-process`, as tables of security.md. */
import { casesOf, type Role, wordOf } from "../../test/e2e/hostile-process/Cases.ts"
import { outcomes } from "../../test/e2e/hostile-process/Outcomes.ts"

interface Column {
  readonly engine: string
  readonly release: string
  readonly role: Role
}

type Cells = ReadonlyArray<string>

const columns = (roles: ReadonlyArray<Role>): ReadonlyArray<Column> =>
  Object.entries(outcomes()).flatMap(([release, byRole]) =>
    roles.flatMap((role) => {
      const engine = release.replace(/ \S+$/, "")
      return byRole[role] === undefined ? [] : [{ engine, release, role }]
    })
  )

/** `VPP 26.06, master`. */
const title = ({ release, role }: Column) => `${release}, ${role.replace(/^\w+-/, "")}`

/** A case that is other things in two roles is two rows. */
const rows = (all: ReadonlyArray<Column>): ReadonlyArray<Cells> => {
  const texts = new Set(all.flatMap(({ engine, role }) => Object.values(casesOf[engine]?.[role] ?? {})))
  const seen = outcomes()
  return [...texts].map((text) => [
    text,
    ...all.map(({ engine, release, role }) => {
      const [name = ""] = Object.entries(casesOf[engine]?.[role] ?? {}).find(([, does]) => does === text) ?? []
      const outcome = seen[release]?.[role]?.[name]
      return outcome === undefined ? "" : outcome === "lives" ? "lives" : `**${outcome}**`
    })
  ])
}

const sharedBy = (wanted: ReadonlyArray<Role>) => {
  const all = columns(wanted)
  return [["What the process does", ...all.map(title)], ...rows(all)] as const
}

const ofVhost = ["vhost-server", "vhost-client"] as const
const ofMemif = ["memif-master", "memif-slave", "memif-slave, zero copy"] as const
const allRoles = [...ofMemif, ...ofVhost]

export const vhostOutcomes = () => sharedBy(ofVhost)
export const memifOutcomes = () => sharedBy(ofMemif)

/** What ends or hangs a VPP, with the arguments of the process. */
export const reproductions = () => {
  const found = Object.entries(outcomes())
    .filter(([release]) => release.startsWith("VPP "))
    .flatMap(([release, byRole]) =>
      allRoles.flatMap((role) =>
        Object.entries(byRole[role] ?? {}).flatMap(([name, outcome]) =>
          outcome === "lives" ? [] : [[`\`${wordOf(role)} ${name}\``, title({ engine: "VPP", release, role }), outcome]]
        )
      )
    )
  return [["`ROLE CASE`", "VPP", "Outcome"], ...found] as const
}
