# Says which programs of AccountView run on this Windows machine, and who has its files open.
#
# Sent by avplugin over standard input, never stored here; it changes nothing. For Windows
# PowerShell 5.1 and PowerShell 7, with as few rights as it is given: what may not be asked is
# listed under "errors". Both ways all is ASCII, for any code page, and nothing depends on the
# language of Windows.
#
# $Given[0] is JSON: what is asked. Every further line is JSON: a folder, and files in it to try.
param([string[]] $Given)

Set-StrictMode -Version 3.0
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$WarningPreference = 'SilentlyContinue'

$clock = [Diagnostics.Stopwatch]::StartNew()
$asked = $Given[0] | ConvertFrom-Json
$errors = New-Object Collections.ArrayList

# An own writer: ConvertTo-Json of 5.1 cuts at a depth and a length, and writes more than ASCII.
function ConvertTo-AsciiJson($value) {
    if ($null -eq $value) { return 'null' }
    if ($value -is [bool]) { if ($value) { return 'true' } else { return 'false' } }
    if ($value -is [string]) {
        $escape = { param($match) '\u{0:x4}' -f [int][char]$match.Value }
        return '"' + [regex]::Replace($value, '[^ !#-\[\]-~]', $escape) + '"'
    }
    if ($value -is [Collections.IDictionary]) {
        $members = foreach ($key in $value.Keys) {
            (ConvertTo-AsciiJson $key) + ':' + (ConvertTo-AsciiJson $value[$key])
        }
        return '{' + ($members -join ',') + '}'
    }
    if ($value -is [Collections.IEnumerable]) {
        $items = foreach ($item in $value) { ConvertTo-AsciiJson $item }
        return '[' + ($items -join ',') + ']'
    }
    return $value.ToString([Globalization.CultureInfo]::InvariantCulture)
}

# PowerShell wraps what a .NET method throws; the cause has the code.
function Get-Cause($exception) {
    while ($exception.InnerException) { $exception = $exception.InnerException }
    return $exception
}

function Add-Failure([string] $part, $record) {
    $cause = Get-Cause $record.Exception
    [void]$errors.Add([ordered]@{
        part = $part
        type = $cause.GetType().FullName
        code = $cause.HResult
        message = [string]$cause.Message
    })
}

function Format-Time([DateTime] $time) {
    $format = "yyyy-MM-dd'T'HH:mm:ss'Z'"
    return $time.ToUniversalTime().ToString($format, [Globalization.CultureInfo]::InvariantCulture)
}

# 0 where Windows does not know the time. Source: WTSINFOW, in 100 ns since 1601, as a FILETIME.
function Format-FileTime([long] $time) {
    if ($time -le 0) { return $null }
    return Format-Time ([DateTime]::FromFileTimeUtc($time))
}

# quser prints this in the language of Windows; the function below it does not. Where no class may
# be compiled, the state of sessions stays unknown.
# Source: wtsapi32.h, WTSQuerySessionInformationW, WTS_INFO_CLASS, WTSINFOW.
$declaration = @'
using System;
using System.Runtime.InteropServices;

public static class AvpluginTerminal
{
    [StructLayout(LayoutKind.Sequential, CharSet = CharSet.Unicode)]
    public struct Info
    {
        public int State;
        public int SessionId;
        public int IncomingBytes;
        public int OutgoingBytes;
        public int IncomingFrames;
        public int OutgoingFrames;
        public int IncomingCompressedBytes;
        public int OutgoingCompressedBytes;
        [MarshalAs(UnmanagedType.ByValTStr, SizeConst = 32)] public string WinStationName;
        [MarshalAs(UnmanagedType.ByValTStr, SizeConst = 17)] public string Domain;
        [MarshalAs(UnmanagedType.ByValTStr, SizeConst = 21)] public string UserName;
        public long ConnectTime;
        public long DisconnectTime;
        public long LastInputTime;
        public long LogonTime;
        public long CurrentTime;
    }

    private const int ClientName = 10;
    private const int SessionInfo = 24;

    [DllImport("wtsapi32.dll", EntryPoint = "WTSQuerySessionInformationW", SetLastError = true)]
    private static extern bool Query(
        IntPtr server, int session, int what, out IntPtr buffer, out int size);

    [DllImport("wtsapi32.dll", EntryPoint = "WTSFreeMemory")]
    private static extern void Free(IntPtr buffer);

    public static Info AskInfo(int session)
    {
        IntPtr buffer = Ask(session, SessionInfo);
        try { return (Info)Marshal.PtrToStructure(buffer, typeof(Info)); }
        finally { Free(buffer); }
    }

    public static string AskClientName(int session)
    {
        IntPtr buffer = Ask(session, ClientName);
        try { return Marshal.PtrToStringUni(buffer); }
        finally { Free(buffer); }
    }

    private static IntPtr Ask(int session, int what)
    {
        IntPtr buffer;
        int size;
        if (!Query(IntPtr.Zero, session, what, out buffer, out size))
            throw new System.ComponentModel.Win32Exception();
        return buffer;
    }
}
'@

# Adds to an answer about a process what Windows knows of the session it runs in.
function Add-Terminal($answer) {
    try {
        $info = [AvpluginTerminal]::AskInfo($answer.session)
        $answer.state = $info.State
        $answer.disconnected = Format-FileTime $info.DisconnectTime
        $answer.last_input = Format-FileTime $info.LastInputTime
        if ($info.UserName) { $answer.user = "$($info.Domain)\$($info.UserName)".TrimStart('\') }
        $answer.client = [string][AvpluginTerminal]::AskClientName($answer.session)
    } catch { } # another's session, which only administrators may ask about
}

# Adds to an answer about a process what WMI knows of it. The owner counts above the session's
# user: a program can be run as somebody else.
function Add-Detail($answer, $detail) {
    $answer.command_line = [string]$detail.CommandLine
    if ($detail.CreationDate) { $answer.started = Format-Time $detail.CreationDate }
    try {
        $owner = Invoke-CimMethod -InputObject $detail -MethodName GetOwner
        if ($owner.ReturnValue -eq 0) { $answer.user = "$($owner.Domain)\$($owner.User)".TrimStart('\') }
    } catch { } # another's process, which only administrators may ask about
}

function Find-Processes {
    $names = @($asked.programs) -replace '\.exe$', ''
    # Not WMI: everybody may list processes in this way.
    $running = @(foreach ($process in [Diagnostics.Process]::GetProcesses()) {
        $name = $process.ProcessName
        if (@($names | Where-Object { $name -like $_ })) { $process }
    })
    if (-not $running) { return }

    $details = @{}
    try {
        foreach ($detail in Get-CimInstance -ClassName Win32_Process -OperationTimeoutSec 10) {
            $details[[int]$detail.ProcessId] = $detail
        }
    } catch { } # users and command lines stay unknown
    try { Add-Type -TypeDefinition $declaration } catch { } # states of sessions stay unknown

    foreach ($process in $running) {
        $answer = [ordered]@{
            id = [int]$process.Id
            program = [string]$process.ProcessName
            session = [int]$process.SessionId
            user = ''
            client = ''
            state = $null
            disconnected = $null
            last_input = $null
            started = $null
            command_line = ''
        }
        # Session 0 is that of services: nobody sits there, and it always counts as disconnected.
        if ($answer.session -ne 0) { Add-Terminal $answer }
        if ($details.ContainsKey($answer.id)) { Add-Detail $answer $details[$answer.id] }
        $answer
    }
}

function Find-Services {
    # Some services may not be queried by everybody; there is no Windows without any.
    $services = @(Get-Service -ErrorAction SilentlyContinue)
    if (-not $services) { throw (New-Object UnauthorizedAccessException) }
    foreach ($service in $services) {
        $name = $service.DisplayName
        if (-not @($asked.services | Where-Object { $name -like $_ })) { continue }
        $answer = [ordered]@{
            name = [string]$service.Name
            display_name = [string]$name
            state = [int]$service.Status
            account = ''
            process = 0
        }
        try {
            $detail = Get-CimInstance -ClassName Win32_Service -OperationTimeoutSec 10 |
                Where-Object { $_.Name -eq $answer.name }
            $answer.account = [string]$detail.StartName
            $answer.process = [int]$detail.ProcessId
        } catch { } # the account stays unknown
        $answer
    }
}

# Whether a path is one of the folders asked about, or lies in one.
function Test-Asked([string] $path, $roots) {
    $folder = $path.TrimEnd('\')
    while ($folder) {
        if ($roots.Contains($folder)) { return $true }
        $folder = $folder.Substring(0, [Math]::Max(0, $folder.LastIndexOf('\')))
    }
    return $false
}

function Find-OpenFiles {
    $roots = [Collections.Generic.HashSet[string]]::new([StringComparer]::OrdinalIgnoreCase)
    foreach ($root in $asked.roots) { [void]$roots.Add($root) }
    # It is a function of a module, and those do not see this script's $ErrorActionPreference.
    foreach ($file in Get-SmbOpenFile -ErrorAction Stop) {
        if (-not (Test-Asked $file.Path $roots)) { continue }
        $permissions = $file.PSObject.Properties['Permissions']
        [ordered]@{
            path = [string]$file.Path
            user = [string]$file.ClientUserName
            machine = [string]$file.ClientComputerName
            permissions = $(if ($permissions) { $permissions.Value } else { $null })
        }
    }
}

# Windows takes longer paths than 259 characters only in this form. Source: Microsoft, Naming
# Files, Paths, and Namespaces: Maximum Path Length Limitation.
function Format-Path([string] $path) {
    if ($path.Length -lt 248) { return $path }
    if ($path.StartsWith('\\')) { return '\\?\UNC\' + $path.Substring(2) }
    return '\\?\' + $path
}

# Opens every file in a way that fails while somebody else has it open for writing (or, with share
# None, at all), and lets go at once. This also finds programs on this machine itself, which
# Get-SmbOpenFile does not see.
function Test-Files($list) {
    $mode = [IO.FileMode]::Open
    $access = [IO.FileAccess]::Read
    $share = [IO.FileShare]$asked.share
    $failed = New-Object Collections.ArrayList
    $tried = 0
    $found = [IO.Directory]::Exists((Format-Path $list.folder))
    if ($found) {
        $base = $list.folder.TrimEnd('\') + '\'
        foreach ($file in $list.files) {
            if ($clock.Elapsed.TotalSeconds -gt $asked.seconds) { break }
            $path = $base + $file
            if ($path.Length -ge 248) { $path = Format-Path $path }
            try {
                [IO.File]::Open($path, $mode, $access, $share).Dispose()
            } catch {
                $cause = Get-Cause $_.Exception
                [void]$failed.Add([ordered]@{ file = $tried; code = $cause.HResult })
            }
            $tried++
        }
    }
    return [ordered]@{ found = $found; tried = $tried; failed = $failed }
}

$processes = @()
$services = @()
$openFiles = @()
try { $processes = @(Find-Processes) } catch { Add-Failure 'processes' $_ }
try { $services = @(Find-Services) } catch { Add-Failure 'services' $_ }
try { $openFiles = @(Find-OpenFiles) } catch { Add-Failure 'open_files' $_ }
$lists = @(for ($i = 1; $i -lt $Given.Count; $i++) { Test-Files ($Given[$i] | ConvertFrom-Json) })

$answer = ConvertTo-AsciiJson ([ordered]@{
    version = 1
    computer = [Environment]::MachineName
    now = Format-Time ([DateTime]::UtcNow)
    errors = $errors
    processes = $processes
    services = $services
    open_files = $openFiles
    lists = $lists
})

# Not through the pipeline: a host may break long lines. The marks tell the answer from whatever
# else is printed.
[Console]::Out.WriteLine()
[Console]::Out.WriteLine("avplugin answer $($asked.nonce)")
[Console]::Out.WriteLine($answer)
[Console]::Out.WriteLine("avplugin end $($asked.nonce)")
[Console]::Out.Flush()
