/** What an operator types for a secret that Modal does not have; `environment` as the settings name it. */
export const secretCommand = (name: string, environment: string | undefined): string =>
  `modal secret create ${environment === undefined ? "" : `--env ${environment} `}${name} ${name}=…`;
